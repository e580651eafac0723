/** What the server's APIs answer as `code` of a problem; the list is in the guide. */
export type ServerCode =
  | 'invalid_request' | 'binding_missing' | 'factor_unavailable' | 'enrolment_limit' | 'enrolment_exists' | 'enrolment_required'
  | 'code_invalid' | 'code_replayed' | 'code_expired' | 'code_kept' | 'invalid_credentials'
  | 'address_invalid' | 'address_unavailable' | 'number_invalid' | 'number_not_mobile' | 'country_not_allowed'
  | 'name_invalid' | 'name_in_use' | `password_${string}` | `passkey_${string}`
  | 'sign_in_required' | 'invalid_token' | 'session_revoked' | 'mfa_required' | 'insufficient_scope' | 'step_up_unavailable'
  | 'forbidden' | 'last_required_factor' | 'recovered_recently' | 'frozen' | 'cross_site' | 'foreign_browser'
  | 'not_found' | 'no_such_tenant' | 'method_not_allowed' | 'conflict' | 'flow_expired' | 'gone' | 'too_large' | 'unsupported_media_type'
  | 'too_many_attempts' | 'send_limited' | 'too_many_requests' | 'internal' | 'overloaded';

/** Every code that an {@link IntelliAuthError} can have. */
export type ErrorCode =
  | ServerCode
  | 'configuration_error' // an option is missing or makes no sense
  | 'not_in_browser' // needs a window; on a server only the state can be read
  | 'network_error' // nothing answered
  | 'server_error' // something answered, but nothing that can be used
  | 'not_signed_in'
  | 'login_required' // the issuer would have to ask the person
  | 'interaction_required'
  | 'access_denied' // the person said no
  | 'unmet_authentication_requirements' // the level that was asked for cannot be reached
  | 'invalid_grant' // what tokens were to be had with is over
  | 'oauth_error' // another error of OAuth, named in `details.error`
  | 'state_mismatch' // an answer to a question that this browser did not ask
  | 'issuer_mismatch' // an answer of another issuer
  | 'invalid_response' // an answer or ID token that fails its checks
  | 'subject_mismatch' // somebody else signed in than the person whose page this is
  | 'popup_blocked'
  | 'timeout'
  | 'step_up_cancelled'
  | 'body_not_repeatable' // a stream that is too long to be kept for a repetition
  | 'redirect_refused' // an API answered with a redirect, which no token follows
  | 'storage_unavailable';

export interface ErrorDetails {
  /** The OAuth error as it came. */
  error?: string;
  /** HTTP status of the answer. */
  status?: number;
  /** Under which the server logged the request. */
  requestId?: string;
  /** Seconds until another attempt makes sense. */
  retryAfter?: number;
  [name: string]: unknown;
}

/** `recoverable` says that doing the same again, or signing in again, can help. */
export class IntelliAuthError extends Error {
  override readonly name = 'IntelliAuthError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails | undefined;
  readonly recoverable: boolean;

  constructor(code: ErrorCode, message: string, options: { details?: ErrorDetails; cause?: unknown; recoverable?: boolean } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details;
    this.recoverable = options.recoverable ?? !fatal.has(code);
  }
}

const fatal: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'configuration_error', 'not_in_browser', 'state_mismatch', 'issuer_mismatch', 'invalid_response', 'subject_mismatch',
  'unmet_authentication_requirements', 'body_not_repeatable', 'redirect_refused', 'insufficient_scope', 'forbidden', 'last_required_factor',
]);

/** The error of OAuth under our name for it. */
export function ofOAuth(error: string, description?: string | null): IntelliAuthError {
  const known = ['login_required', 'interaction_required', 'access_denied', 'unmet_authentication_requirements', 'invalid_grant', 'server_error'];
  const code = (known.includes(error) ? error : 'oauth_error') as ErrorCode;
  return new IntelliAuthError(code, description || error, { details: { error } });
}
