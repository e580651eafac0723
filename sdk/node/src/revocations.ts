import { Refusal } from './errors';
import type { Claims } from './verify';

// What the issuer revoked, followed live: a revoked session is refused without a
// call for each request.

export interface RevocationOptions {
  /** The resource's own credentials. */
  clientId: string;
  clientSecret: string;
  /**
   * What to do with tokens while the feed has been silent for `staleAfter`:
   * refuse those of aal2 and above (`level`, the default), all, or none.
   */
  whenStale?: 'level' | 'closed' | 'open';
  /** Seconds; default 10. */
  staleAfter?: number;
  onError?: (error: Error) => void;
}

/** One entry of the feed; which members there are depends on `kind`. */
export interface Revocation {
  kind: string;
  sid?: string;
  sub?: string;
  clientId?: string;
  kid?: string;
  before?: number;
  until?: number;
}

const seconds = (value: unknown): number | undefined => {
  const at = typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) / 1000 : NaN;
  return Number.isFinite(at) ? at : undefined;
};

const pause = (wait: number) => new Promise<void>((done) => { setTimeout(done, wait).unref(); });

const most = 1_000_000; // entries
const largestEvent = 64 * 1024 * 1024; // characters: the full set comes as one

/** Reads an entry; a selector that cannot be read makes the whole unreadable. */
function entryOf(value: unknown): Revocation {
  if (typeof value !== 'object' || value === null) throw new Error('an entry is no object');
  const given = value as Record<string, unknown>;
  if (typeof given.kind !== 'string') throw new Error('an entry has no kind');
  const entry: Revocation = { kind: given.kind };
  for (const name of ['sid', 'sub', 'clientId', 'kid'] as const) {
    const selector = given[name];
    if (selector === undefined || selector === null || selector === '') continue;
    if (typeof selector !== 'string') throw new Error(`an entry has an odd ${name}`);
    entry[name] = selector;
  }
  const [before, until] = [seconds(given.before), seconds(given.until)];
  if (before !== undefined) entry.before = before;
  if (until !== undefined) entry.until = until;
  return entry;
}

export class Revocations {
  readonly #address: string;
  readonly #options: RevocationOptions;
  #sessions = new Map<string, number>(); // sid, until
  #others = new Map<string, Revocation[]>(); // by their narrowest selector
  #count = 0;
  #cursor: string | undefined;
  #heardAt = -Infinity;
  #synced = false; // false again while an answer cannot be read: what it revokes is not known
  #ends = new AbortController();
  #ready: Promise<void>;
  #settle: () => void = () => undefined;

  constructor(issuer: string, options: RevocationOptions) {
    this.#address = `${issuer}/api/v1/revocations`;
    this.#options = options;
    this.#ready = new Promise((done) => { this.#settle = done; });
    void this.#follow();
  }

  /** Resolves once the feed has been read in full. */
  ready(): Promise<void> {
    return this.#ready;
  }

  close(): void {
    this.#ends.abort();
    this.#settle();
  }

  get stale(): boolean {
    return !this.#synced || performance.now() - this.#heardAt > (this.#options.staleAfter ?? 10) * 1000;
  }

  /** Refuses a token that was revoked, or that is not known not to be. */
  check(claims: Claims, kid: string): void {
    if (this.#revoked(claims, kid)) throw new Refusal('session_revoked', 'The session has ended.');
    const { whenStale = 'level' } = this.#options;
    if (!this.stale || whenStale === 'open') return;
    if (whenStale === 'closed' || claims.aal !== 1) throw new Refusal('revocations_stale', 'What was revoked lately is not known.');
  }

  #revoked(claims: Claims, kid: string): boolean {
    if (claims.sid !== undefined && this.#sessions.has(claims.sid)) return true;
    const has = { sid: claims.sid, sub: claims.sub, clientId: claims.client_id, kid };
    return keysOf(has).some((key) =>
      this.#others.get(key)?.some((entry) =>
        // Each selector that the entry has must be the token's; without a time it means all.
        selectors.every((name) => entry[name] === undefined || entry[name] === has[name]) && (entry.before === undefined || claims.iat <= entry.before),
      ),
    );
  }

  #take(entries: unknown): void {
    if (!Array.isArray(entries)) throw new Error('the feed has no entries');
    const now = Date.now() / 1000;
    for (const entry of entries.map(entryOf)) {
      if (entry.until !== undefined && entry.until + 60 < now) continue;
      if (entry.kind === 'session') {
        // A session without its id cannot be told from others: all end.
        if (entry.sid === undefined) throw new Error('a session entry names no session');
        this.#sessions.set(entry.sid, entry.until ?? Infinity);
      } else {
        const key = keyOf(entry);
        const same = this.#others.get(key) ?? [];
        // The last 30 s come again with each reading.
        if (!same.some((known) => selectors.every((name) => known[name] === entry[name]) && known.kind === entry.kind && known.before === entry.before)) {
          this.#others.set(key, [...same, entry]);
        }
      }
      if (++this.#count > most) this.#prune(now);
    }
  }

  #prune(now: number): void {
    for (const [sid, until] of this.#sessions) if (until < now) this.#sessions.delete(sid);
    for (const [key, entries] of this.#others) {
      const live = entries.filter(({ until }) => until === undefined || until >= now);
      if (live.length > 0) this.#others.set(key, live);
      else this.#others.delete(key);
    }
    this.#count = this.#sessions.size + this.#others.size;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#ends;
    for (let failures = 0; !signal.aborted; ) {
      const begun = performance.now();
      try {
        await this.#read(signal);
        failures = 0;
        if (performance.now() - begun < 50) await pause(100); // an issuer that answers at once, always
      } catch (error) {
        if (signal.aborted) return;
        this.#options.onError?.(error instanceof Error ? error : new Error(String(error)));
        const wait = Math.min(5000, 100 * 2 ** failures++) * (0.5 + Math.random() / 2);
        await pause(wait);
      }
    }
  }

  /** One connection: a stream of events, or one long poll where the issuer answers JSON. */
  async #read(signal: AbortSignal): Promise<void> {
    const { clientId, clientSecret } = this.#options;
    const code = (text: string) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
    const address = this.#cursor === undefined ? this.#address : `${this.#address}?since=${encodeURIComponent(this.#cursor)}`;
    const quiet = new AbortController();
    const over = AbortSignal.any([signal, quiet.signal]);
    // An open line that says nothing is no line: the stream has a comment each second, a poll ends sooner.
    let timer = setTimeout(() => quiet.abort(), 35_000);
    const heard = (wait: number) => {
      this.#heardAt = performance.now();
      clearTimeout(timer);
      timer = setTimeout(() => quiet.abort(), wait);
      timer.unref();
    };
    try {
      const response = await fetch(address, {
        redirect: 'error', signal: over,
        headers: { accept: 'text/event-stream, application/json;q=0.5', authorization: `Basic ${Buffer.from(`${code(clientId)}:${code(clientSecret)}`).toString('base64')}` },
      });
      if (response.status === 410) {
        this.#cursor = undefined; // too old: all of it again
        await response.body?.cancel();
        return;
      }
      if (!response.ok || !response.body) throw new Error(`the revocation feed answered ${response.status}`);
      if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
        const { cursor, entries } = (await response.json()) as { cursor?: unknown; entries?: unknown };
        this.#accept(entries, cursor);
        this.#heardAt = performance.now();
        return;
      }
      for await (const event of eventsOf(response.body, () => heard(5000))) {
        const data: unknown = this.#json(event.data);
        const batch = typeof data === 'object' && data !== null && 'entries' in data ? (data as { entries: unknown; cursor?: unknown }) : { entries: Array.isArray(data) ? data : [data] };
        this.#accept(batch.entries, 'cursor' in batch && batch.cursor !== undefined ? batch.cursor : event.id);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #json(text: string): unknown {
    this.#synced = false;
    return JSON.parse(text);
  }

  #accept(entries: unknown, cursor: unknown): void {
    this.#synced = false;
    this.#take(entries);
    if (typeof cursor === 'string' || typeof cursor === 'number') this.#cursor = String(cursor);
    this.#synced = true;
    this.#settle();
  }
}

const selectors = ['sid', 'sub', 'clientId', 'kid'] as const;
type Selectors = Partial<Record<(typeof selectors)[number], string | undefined>>;

/** Under which an entry is filed: its narrowest selector, or all tokens. */
function keyOf(entry: Selectors): string {
  for (const name of selectors) if (entry[name] !== undefined) return `${name} ${entry[name]}`;
  return 'all';
}

/** Under which entries about a token can be filed. */
function keysOf(token: Selectors): string[] {
  return ['all', ...selectors.flatMap((name) => (token[name] === undefined ? [] : [`${name} ${token[name]}`]))];
}

/** Server-sent events (the HTML standard, 9.2); `heard` is called for whatever arrives. */
async function* eventsOf(body: ReadableStream<Uint8Array>, heard: () => void): AsyncGenerator<{ id: string | undefined; data: string }> {
  const decoder = new TextDecoder();
  let rest = '';
  let id: string | undefined;
  let data: string[] = [];
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    heard();
    rest += decoder.decode(chunk, { stream: true });
    if (rest.length > largestEvent) throw new Error('the revocation feed sends a line without end');
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield { id, data: data.join('\n') };
        data = [];
        continue;
      }
      const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
      if (field === 'data') data.push(value ?? '');
      else if (field === 'id') id = value;
    }
  }
}
