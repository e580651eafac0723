import { IntelliAuthError } from './errors';
import type { Asked, Issuer, Tokens, Transaction } from './oauth';
import type { Board } from './state';
import type { LoginOptions, StepUpOptions, Waiting } from './types';
import { openPopup, submit, throughFrame, throughPopup } from './windows';

// The three ways to put a request to the issuer: this window leaves, a popup
// opens, a hidden frame asks without showing anything.

export type Use = 'login' | 'check' | 'stepUp' | 'manage' | 'enrol';

/** A request whose answer comes to this page by a redirect. */
export interface Leaving {
  use: Use;
  transaction: Transaction;
  appState: unknown;
  returnTo: string;
}

export const cancelled = () => new IntelliAuthError('step_up_cancelled', 'The person did not go on.');

export const saysNo = (error: IntelliAuthError) => error.code === 'access_denied' || error.code === 'step_up_cancelled';

export class Asking {
  readonly #issuer: Issuer;
  readonly #board: Board;
  readonly #redirectUri: string;
  readonly #mode: 'auto' | 'popup' | 'redirect';

  constructor(issuer: Issuer, board: Board, redirectUri: string, mode: 'auto' | 'popup' | 'redirect') {
    this.#issuer = issuer;
    this.#board = board;
    this.#redirectUri = redirectUri;
    this.#mode = mode;
  }

  /** Whether an address carries an answer to the redirect URI. */
  answers(url: URL): boolean {
    const back = new URL(this.#redirectUri);
    const { searchParams: q } = url;
    return url.origin === back.origin && url.pathname === back.pathname && q.has('state') && (q.has('code') || q.has('error'));
  }

  /** Goes to the issuer in this window. The promise ends only if the person comes back by the back button. */
  async leave(use: Use, asked: Asked, { appState, returnTo }: LoginOptions = {}): Promise<never> {
    const { endpoint, fields, transaction } = await this.#issuer.ask('r', asked);
    const here = this.answers(new URL(location.href)) ? '/' : location.pathname + location.search + location.hash;
    const leaving: Leaving = { use, transaction, appState, returnTo: ownPath(returnTo) ?? here };
    sessionStorage.setItem(`intelliauth ${transaction.state}`, JSON.stringify(leaving));
    submit(endpoint, fields);
    return new Promise<never>((_, fail) => {
      addEventListener('pageshow', ({ persisted }) => { if (persisted) fail(cancelled()); }, { once: true });
    });
  }

  /** What this tab asked under a state; it is told once. */
  left(state: string): Partial<Leaving> {
    const stored = sessionStorage.getItem(`intelliauth ${state}`);
    sessionStorage.removeItem(`intelliauth ${state}`);
    return (stored ? JSON.parse(stored) : {}) as Partial<Leaving>;
  }

  /** Asks in a popup, or in this window where there is none to be had, after doing what comes `before` that. */
  async elsewhere(use: Use, asked: Asked, { mode = this.#mode, signal }: StepUpOptions, before?: () => Promise<void>): Promise<Tokens> {
    needWindow();
    const popup = mode === 'redirect' ? null : openPopup();
    if (!popup) {
      if (mode === 'popup') throw new IntelliAuthError('popup_blocked', 'The browser blocked the window.');
      await before?.();
      return this.leave(use, asked);
    }
    const giveUp = new AbortController();
    const cancel = () => giveUp.abort(cancelled());
    if (signal?.aborted) cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    const waiting: Waiting = { for: use === 'enrol' ? 'enrolment' : use === 'manage' ? 'manage' : 'stepUp', cancel, focus: () => popup.focus() };
    this.#board.set({ waiting });
    try {
      const { endpoint, fields, transaction } = await this.#issuer.ask('p', { ...asked, extra: { ...asked.extra, display: 'popup' } });
      return await this.#issuer.redeem(await throughPopup(popup, endpoint, fields, transaction, giveUp.signal), transaction);
    } finally {
      popup.close();
      if (this.#board.state.waiting === waiting) this.#board.set({ waiting: null });
    }
  }

  /** Asks in a hidden frame; the answer is not redeemed yet. */
  async silently(asked: Asked): Promise<{ answer: URLSearchParams; transaction: Transaction }> {
    const { endpoint, fields, transaction } = await this.#issuer.ask('s', asked);
    return { answer: await throughFrame(endpoint, fields, transaction), transaction };
  }
}

export function needWindow(): void {
  if (typeof window === 'undefined') throw new IntelliAuthError('not_in_browser', 'This needs a browser window.');
}

/** A path of this origin, or nothing: an address elsewhere is no place to return to. */
function ownPath(to: string | undefined): string | undefined {
  if (to === undefined) return undefined;
  const url = new URL(to, location.origin);
  return url.origin === location.origin ? url.pathname + url.search + url.hash : undefined;
}
