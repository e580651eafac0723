export { AuthClient, initialState } from './client';
export { IntelliAuthError, type ErrorCode, type ErrorDetails, type ServerCode } from './errors';
export type {
  AuthClientOptions, AuthEvents, AuthState, Enrolment, EnrolmentResult, Factor, Level, LoginOptions, LogoutOptions,
  PendingEnrolment, PendingRequest, RedirectResult, Session, StepUpOptions, StepUpResult, TokenOptions, User, Waiting,
} from './types';
