export { AuthClient } from './client';
export { initialState } from './state';
export { IntelliAuthError, type ErrorCode, type ErrorDetails, type ServerCode } from './errors';
export type {
  AuthClientOptions, AuthEvents, AuthState, Enrolment, EnrolmentResult, Factor, Level, LoginOptions, LogoutOptions,
  PendingEnrolment, PendingRequest, RedirectResult, Session, StepUpOptions, StepUpResult, TokenOptions, User, Waiting,
} from './types';
