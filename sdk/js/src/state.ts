import { coded, levelOf } from './oauth';
import type { IntelliAuthError } from './errors';
import type { Held } from './session';
import type { AuthEvents, AuthState, User } from './types';

/** What is known before anything is: the same on a server and at first in the browser. */
export const initialState: AuthState = Object.freeze({
  loading: true, isAuthenticated: false, user: null, aal: 0, error: null, pendingRequest: null, waiting: null,
});

/** What the page shows, and who is told when it changes. */
export class Board {
  state: AuthState = initialState;
  readonly #watchers = new Set<() => void>();
  readonly #listeners = new Map<string, Set<(detail: never) => void>>();

  subscribe(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  on<E extends keyof AuthEvents>(event: E, listener: (detail: AuthEvents[E]) => void): () => void {
    const all = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, all);
    all.add(listener as (detail: never) => void);
    return () => all.delete(listener as (detail: never) => void);
  }

  emit<E extends keyof AuthEvents>(event: E, detail: AuthEvents[E]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) (listener as (detail: AuthEvents[E]) => void)(detail);
  }

  set(change: Partial<AuthState>): void {
    this.state = Object.freeze({ ...this.state, ...change });
    for (const watcher of [...this.#watchers]) watcher();
  }

  /** The state as the tokens have it. */
  show(held: Held | undefined, change: Partial<AuthState> = {}): void {
    const claims = held?.claims;
    const same = this.state.user && this.state.user.claims === claims;
    this.set({
      loading: false,
      isAuthenticated: Boolean(held),
      user: same ? this.state.user : claims ? userOf(claims) : null,
      aal: levelOf(claims),
      ...(held ? {} : { pendingRequest: null }),
      ...change,
    });
  }

  /** Tells of an error, which it returns under a code of ours. */
  failed(error: unknown): IntelliAuthError {
    const known = coded(error);
    this.emit('error', { error: known });
    return known;
  }
}

function userOf(claims: Readonly<Record<string, unknown>>): User {
  const { sub, email, email_verified: verified, name } = claims;
  return {
    id: String(sub), claims,
    ...(typeof email === 'string' && { email }),
    ...(typeof verified === 'boolean' && { emailVerified: verified }),
    ...(typeof name === 'string' && { name }),
  };
}
