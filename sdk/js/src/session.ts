import { IntelliAuthError } from './errors';
import { Issuer, type Access, type Tokens } from './oauth';
import { kept } from './store';

// The tokens of this page, in memory, and the same in the other tabs of the
// origin. One tab refreshes at a time. Which tokens are the newest is told by a
// generation in IndexedDB: messages between tabs may come late, and to use a
// refresh token twice would end the session of all.

export interface Held {
  generation: number;
  sub: string;
  claims: Readonly<Record<string, unknown>>;
  idToken: string;
  refresh?: string;
  access: Record<string, Access>; // by audience; '' is the default one
}

type Message = { kind: 'held'; held: Held } | { kind: 'ask' } | { kind: 'out' };

const spare = 30_000; // a token is not used in the last moments of its life
const peersAnswer = 250;
const peersAnswerSurely = 2000;

export class TokenSession {
  held: Held | undefined;
  readonly #issuer: Issuer;
  readonly #name: string;
  readonly #changed: (why: 'refreshed' | 'elsewhere' | 'out') => void;
  #channel: BroadcastChannel | undefined;
  #waiting = new Set<(held: Held) => void>();

  constructor(issuer: Issuer, name: string, changed: (why: 'refreshed' | 'elsewhere' | 'out') => void) {
    this.#issuer = issuer;
    this.#name = name;
    this.#changed = changed;
  }

  /** Begins to listen to other tabs. A page in the back-forward cache must not. */
  connect(): void {
    if (this.#channel) return;
    this.#channel = new BroadcastChannel(`intelliauth tabs ${this.#name}`);
    this.#channel.onmessage = ({ data }: MessageEvent<Message>) => this.#hear(data);
  }

  disconnect(): void {
    this.#channel?.close();
    this.#channel = undefined;
  }

  /** Listens again; takes what the other tabs have by now. False if what was held is worth nothing any more. */
  async resume(): Promise<boolean> {
    this.connect();
    if (!this.held) return true;
    const newest = await this.newest();
    if (newest === this.held.generation || (await this.adopt(newest))) return true;
    this.held = undefined;
    return false;
  }

  #hear(message: Message): void {
    if (message.kind === 'ask') {
      if (this.held) this.#tell({ kind: 'held', held: this.held });
    } else if (message.kind === 'out') {
      this.#drop();
    } else {
      const { held } = message;
      for (const take of this.#waiting) take(held);
      if (this.held && held.sub !== this.held.sub) this.#drop();
      else if (this.held && held.generation > this.held.generation) this.#take(held);
    }
  }

  #tell(message: Message): void {
    this.#channel?.postMessage(message);
  }

  #take(held: Held): void {
    this.held = held;
    this.#changed('elsewhere');
  }

  #drop(): void {
    if (!this.held) return;
    this.held = undefined;
    this.#changed('out');
  }

  /** Asks the other tabs, and takes what the first has that is new enough. */
  async adopt(atLeast = 0, wait = peersAnswer): Promise<boolean> {
    const held = await new Promise<Held | undefined>((done) => {
      const take = (found: Held) => {
        if (found.generation >= atLeast) over(found);
      };
      const over = (found?: Held) => {
        clearTimeout(timer);
        this.#waiting.delete(take);
        done(found);
      };
      const timer = setTimeout(over, wait);
      this.#waiting.add(take);
      this.#tell({ kind: 'ask' });
    });
    if (!held || (this.held && this.held.sub !== held.sub)) return false;
    if (!this.held || held.generation > this.held.generation) this.#take(held);
    return true;
  }

  /** Newest generation of any tab; 0 where nothing can be kept. */
  async newest(): Promise<number> {
    return (await kept.get<number>(`generation ${this.#name}`).catch(() => 0)) ?? 0;
  }

  async #next(): Promise<number> {
    const next = (await this.newest()) + 1;
    await kept.put(`generation ${this.#name}`, next).catch(() => undefined);
    return next;
  }

  locked<T>(what: () => Promise<T>): Promise<T> {
    return navigator.locks ? navigator.locks.request(`intelliauth ${this.#name}`, what) : what();
  }

  /** Takes the tokens of a sign-in or step-up, and tells the other tabs. */
  async begin(tokens: Tokens, audience: string): Promise<void> {
    const { claims, idToken } = tokens;
    if (!claims || !idToken) throw new IntelliAuthError('invalid_response', 'There is no ID token.');
    await this.locked(async () => {
      this.held = {
        generation: await this.#next(), sub: claims.sub, claims, idToken,
        ...(tokens.refresh && { refresh: tokens.refresh }),
        access: { [audience]: tokens.access },
      };
      this.#tell({ kind: 'held', held: this.held });
    });
  }

  async end(tell: boolean): Promise<void> {
    this.held = undefined;
    if (!tell) return;
    this.#tell({ kind: 'out' });
    await this.#next();
  }

  #good(audience: string): Access | undefined {
    const access = this.held?.access[audience];
    return access && access.expires - spare > Date.now() ? access : undefined;
  }

  /** A token that is good for a while, refreshing if need be. */
  async access(audience: string, not?: Access): Promise<Access> {
    const usable = () => {
      const access = this.#good(audience);
      return access && access.token !== not?.token ? access : undefined;
    };
    return usable() ?? this.locked(async () => usable() ?? (await this.#refresh(audience, usable)));
  }

  async #refresh(audience: string, usable: () => Access | undefined): Promise<Access> {
    const newest = await this.newest();
    if (this.held && newest > this.held.generation) {
      // Another tab refreshed; its message is on the way, or the tab is gone.
      if (!(await this.adopt(newest, peersAnswerSurely))) throw new IntelliAuthError('invalid_grant', 'Another tab took the tokens with it.');
      const access = usable();
      if (access) return access;
    }
    const before = this.held;
    if (!before) throw new IntelliAuthError('not_signed_in', 'Nobody is signed in.');
    if (!before.refresh) throw new IntelliAuthError('invalid_grant', 'There is no refresh token.');
    const tokens = await this.#issuer.refresh(before.refresh, audience ? { resource: audience } : {});
    if (tokens.claims && tokens.claims.sub !== before.sub) throw new IntelliAuthError('subject_mismatch', 'The refresh answered for somebody else.');
    const generation = await this.#next();
    if (this.held?.sub !== before.sub) throw new IntelliAuthError('not_signed_in', 'Nobody is signed in any more.');
    this.held = {
      ...before,
      generation,
      claims: tokens.claims ? { ...before.claims, ...tokens.claims } : before.claims,
      idToken: tokens.idToken ?? before.idToken,
      ...(tokens.refresh && { refresh: tokens.refresh }),
      access: { ...before.access, [audience]: tokens.access },
    };
    this.#tell({ kind: 'held', held: this.held });
    this.#changed('refreshed');
    return tokens.access;
  }
}
