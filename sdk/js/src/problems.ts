import { IntelliAuthError, type ErrorCode, type ErrorDetails } from './errors';
import type { Level } from './types';

/** What an API asks for beyond the token that was sent (RFC 9470). */
export interface Demand {
  requiredAal: Level;
  maxAge: number | undefined;
}

const demands = new Set(['mfa_required', 'step_up_required', 'insufficient_user_authentication']);

interface Problem {
  code?: unknown;
  detail?: unknown;
  title?: unknown;
  requestId?: unknown;
  requiredAal?: unknown;
  maxAge?: unknown;
  purpose?: unknown;
}

/** The JSON body of an answer, which stays readable. */
async function bodyOf(response: Response): Promise<Problem> {
  if (!/[/+]json\b/.test(response.headers.get('content-type') ?? '')) return {};
  const body: unknown = await response.clone().json().catch(() => undefined);
  return typeof body === 'object' && body !== null ? body : {};
}

const parameter = (header: string, name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(header)?.[1];

/** Whether an answer demands a step-up: by its body, or by its header where it is exposed. */
export async function demandOf(response: Response): Promise<Demand | undefined> {
  if (response.status !== 401 && response.status !== 403) return undefined;
  const header = response.headers.get('www-authenticate') ?? '';
  const body = await bodyOf(response);
  if (!demands.has(String(body.code)) && parameter(header, 'error') !== 'insufficient_user_authentication') return undefined;
  const named = /aal([123])/.exec(parameter(header, 'acr_values') ?? '')?.[1];
  const level = Number(body.requiredAal ?? named ?? 2);
  const age = Number(body.maxAge ?? parameter(header, 'max_age') ?? NaN);
  return {
    requiredAal: level === 1 || level === 3 ? level : 2,
    maxAge: Number.isFinite(age) && age >= 0 ? age : undefined,
  };
}

/** What makes a token useless: try a new one, or give up. */
export async function refusalOf(response: Response): Promise<'invalid_token' | 'session_revoked' | undefined> {
  if (response.status !== 401) return undefined;
  const { code } = await bodyOf(response);
  if (code === 'session_revoked') return code;
  const error = parameter(response.headers.get('www-authenticate') ?? '', 'error');
  return code === 'invalid_token' || error === 'invalid_token' ? 'invalid_token' : undefined;
}

/** An answer that is no success as an error. */
export async function problemOf(response: Response): Promise<IntelliAuthError> {
  const body = await bodyOf(response);
  const details: ErrorDetails = { status: response.status };
  if (typeof body.requestId === 'string') details.requestId = body.requestId;
  if (typeof body.requiredAal === 'number') details.requiredAal = body.requiredAal;
  if (typeof body.purpose === 'string') details.purpose = body.purpose;
  const wait = Number(response.headers.get('retry-after') ?? NaN);
  if (Number.isFinite(wait)) details.retryAfter = wait;
  const code = typeof body.code === 'string' ? (body.code as ErrorCode) : 'server_error';
  return new IntelliAuthError(code, String(body.detail ?? body.title ?? `The server answered ${response.status}.`), { details });
}
