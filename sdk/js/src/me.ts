import type { IntelliAuthError } from './errors';
import type { Access } from './oauth';
import { problemOf } from './problems';
import type { Enrolment, EnrolmentResult, Factor, PendingEnrolment, Session } from './types';
import { coded } from './oauth';

/** How the Me API is reached. */
export interface Line {
  read(): Promise<Access>;
  send(access: Access, url: URL, init: RequestInit & { headers: Headers }): Promise<Response>;
  revoked(error: IntelliAuthError): Promise<void>;
}

/** The calls of the Me API that this package makes. */
export class Me {
  readonly #base: string;
  readonly #line: Line;

  constructor(base: string, line: Line) {
    this.#base = base;
    this.#line = line;
  }

  async #call<T>(access: Access, method: string, path: string, body?: unknown): Promise<T> {
    const headers = new Headers({ accept: 'application/json' });
    if (body !== undefined) headers.set('content-type', 'application/json');
    let response: Response;
    try {
      response = await this.#line.send(access, new URL(`${this.#base}/me${path}`), {
        method, headers, body: body === undefined ? null : JSON.stringify(body), credentials: 'omit', cache: 'no-store',
      });
    } catch (error) {
      throw coded(error);
    }
    if (!response.ok) {
      const problem = await problemOf(response);
      if (problem.code === 'session_revoked') await this.#line.revoked(problem);
      throw problem;
    }
    return (response.status === 204 ? undefined : await response.json()) as T;
  }

  async enrolments(access: Access): Promise<Enrolment[]> {
    return (await this.#call<{ data: Enrolment[] }>(access, 'GET', '/enrolments')).data;
  }

  async enrol(access: Access, factor: Factor, { name, phoneNumber }: { name?: string; phoneNumber?: string }): Promise<PendingEnrolment> {
    const begun = await this.#call<Omit<PendingEnrolment, 'kind' | 'complete'>>(access, 'POST', '/enrolments', {
      factor, ...(name && { name }), ...(phoneNumber && { phone: phoneNumber }),
    });
    const complete = async (response: { code: string }): Promise<EnrolmentResult> => {
      try {
        const path = `/enrolments/${encodeURIComponent(begun.id)}/complete`;
        return { kind: 'success', enrolment: await this.#call<Enrolment>(access, 'POST', path, response) };
      } catch (error) {
        return { kind: 'error', error: coded(error) };
      }
    };
    return { kind: 'pending', ...begun, complete };
  }

  rename(access: Access, id: string, name: string): Promise<Enrolment> {
    return this.#call(access, 'PATCH', `/enrolments/${encodeURIComponent(id)}`, { name });
  }

  remove(access: Access, id: string): Promise<void> {
    return this.#call(access, 'DELETE', `/enrolments/${encodeURIComponent(id)}`);
  }

  async sessions(access: Access): Promise<Session[]> {
    return (await this.#call<{ data: Session[] }>(access, 'GET', '/sessions')).data;
  }

  endSession(access: Access, id: string): Promise<void> {
    return this.#call(access, 'DELETE', `/sessions/${encodeURIComponent(id)}`);
  }

  endOthers(access: Access): Promise<void> {
    return this.#call(access, 'POST', '/sessions/revoke-others', {});
  }

  password(access: Access, change: { current: string; new: string }): Promise<void> {
    return this.#call(access, 'POST', '/password', change);
  }
}
