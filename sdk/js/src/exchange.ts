import { cancelled } from './asking';
import { bodyOf, type Repeatable } from './body';
import { IntelliAuthError } from './errors';
import type { Access, Issuer } from './oauth';
import { demandOf, refusalOf, type Demand } from './problems';
import type { StepUpOptions, StepUpResult } from './types';

/** What an exchange with an API needs of the client. */
export interface Backing {
  issuer: Issuer;
  audience: string;
  sub(): string | undefined;
  token(audience: string, not?: Access): Promise<Access>;
  raise(demand: Demand, options: StepUpOptions, request: Repeatable): Promise<StepUpResult>;
  revoked(error: IntelliAuthError): Promise<void>;
}

/**
 * Sends a request with a token: once more with a new one where the first is no
 * longer good, and once more after a step-up where that is demanded.
 */
export async function exchange(request: Repeatable, init: RequestInit, by: Backing): Promise<Response> {
  const url = new URL(request.url);
  const send = (access: Access) =>
    by.issuer.call(access, url, { ...init, method: request.method, headers: new Headers(request.headers), body: bodyOf(request) });
  let access = await by.token(by.audience);
  let response = await send(access);
  let refusal = await refusalOf(response);
  if (refusal === 'invalid_token') {
    access = await by.token(by.audience, access);
    response = await send(access);
    refusal = await refusalOf(response);
  }
  if (refusal === 'session_revoked') await by.revoked(new IntelliAuthError('session_revoked', 'The session has ended.'));
  const demand = await demandOf(response);
  if (!demand || refusal) return response;

  const sub = by.sub();
  const result = await by.raise(demand, init.signal ? { signal: init.signal } : {}, request);
  if (result.kind === 'cancelled') throw cancelled();
  if (result.kind === 'error') throw result.error;
  if (by.sub() !== sub) throw new IntelliAuthError('subject_mismatch', 'Somebody else has signed in.');
  return send(await by.token(by.audience));
}
