/** Why a request is not let in. */
export type RefusalCode =
  | 'token_missing' | 'invalid_request' | 'invalid_token' | 'session_revoked' | 'insufficient_scope' | 'mfa_required'
  | 'invalid_dpop_proof' | 'use_dpop_nonce'
  | 'keys_unavailable' // the issuer's keys cannot be had, so nothing can be verified
  | 'revocations_stale' // what was revoked lately is not known, and the verifier does not guess
  | 'overloaded';

const statuses: Record<RefusalCode, number> = {
  token_missing: 401, invalid_request: 400, invalid_token: 401, session_revoked: 401, insufficient_scope: 403, mfa_required: 401,
  invalid_dpop_proof: 401, use_dpop_nonce: 401, keys_unavailable: 503, revocations_stale: 503, overloaded: 503,
};

/** A refusal; `message` is for developers and holds nothing of the token. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: RefusalCode;
  readonly status: number;
  /** Members of the problem beside the usual. */
  readonly extra: Readonly<Record<string, unknown>>;
  /** Parameters of the challenge in `WWW-Authenticate`, after `error`. */
  readonly challenge: Readonly<Record<string, string>>;

  constructor(code: RefusalCode, message: string, options: { extra?: Record<string, unknown>; challenge?: Record<string, string>; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = statuses[code];
    this.extra = options.extra ?? {};
    this.challenge = options.challenge ?? {};
  }
}

const errors: Partial<Record<RefusalCode, string>> = {
  session_revoked: 'invalid_token',
  mfa_required: 'insufficient_user_authentication',
  token_missing: '',
};

/** Headers and body that tell a client about a refusal (RFC 6750, RFC 9470, RFC 9457). */
export function answerTo(refusal: Refusal, scheme: 'Bearer' | 'DPoP', requestId?: string): { status: number; headers: Record<string, string>; body: string } {
  const headers: Record<string, string> = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' };
  if (refusal.status === 401 || refusal.status === 403) {
    const error = errors[refusal.code] ?? refusal.code;
    const parameters = { ...(error && { error, error_description: refusal.message }), ...refusal.challenge };
    const text = Object.entries(parameters).map(([name, value]) => `${name}="${value.replace(/["\\]/g, '')}"`).join(', ');
    headers['www-authenticate'] = text ? `${scheme} ${text}` : scheme;
  }
  if (refusal.status === 503) headers['retry-after'] = '1';
  const titles: Record<number, string> = { 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 503: 'Service Unavailable' };
  const body = {
    ...refusal.extra,
    type: `urn:intelliauth:problem:${refusal.code}`, title: titles[refusal.status], status: refusal.status,
    detail: refusal.message, code: refusal.code, ...(requestId && { requestId }),
  };
  return { status: refusal.status, headers, body: JSON.stringify(body) };
}
