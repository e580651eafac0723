import { Asking, needWindow, saysNo } from './asking';
import { repeatable, type Repeatable } from './body';
import { IntelliAuthError } from './errors';
import { exchange } from './exchange';
import { Me } from './me';
import { Methods } from './methods';
import { Issuer, coded, type Access, type Asked, type Tokens } from './oauth';
import { Pending } from './pending';
import type { Demand } from './problems';
import { TokenSession } from './session';
import { Board } from './state';
import { attend, handOver, submit } from './windows';
import type {
  AuthClientOptions, AuthEvents, AuthState, Enrolment, EnrolmentResult, Factor, LoginOptions, LogoutOptions,
  RedirectResult, Session, StepUpOptions, StepUpResult, TokenOptions,
} from './types';

const touchEvery = 5 * 60_000;
const ended = (cause?: unknown) => new IntelliAuthError('session_revoked', 'The session has ended.', { cause });

/** Signs people in, keeps their tokens in memory, and asks for more where an API wants it. */
export class AuthClient {
  readonly options: Readonly<AuthClientOptions>;
  readonly #issuer: Issuer;
  readonly #session: TokenSession;
  readonly #me: Me;
  readonly #methods: Methods;
  readonly #name: string;
  readonly #board = new Board();
  readonly #asking: Asking;
  readonly #pending: Pending;
  readonly #callbacks = new Map<string, Promise<RedirectResult>>();
  #started: Promise<void> | undefined;
  #stepping: { demand: Demand; result: Promise<StepUpResult> } | undefined;
  #framed = false; // a silent check has worked in this page
  #touched = 0;
  #stop: AbortController | undefined;

  constructor(options: AuthClientOptions) {
    this.options = Object.freeze({ ...options });
    this.#issuer = new Issuer(options.tenantUrl, options.clientId, options.redirectUri);
    this.#name = `${this.#issuer.origin} ${options.clientId}`;
    this.#asking = new Asking(this.#issuer, this.#board, options.redirectUri, options.stepUpMode ?? 'auto');
    this.#pending = new Pending(this.#name);
    this.#session = new TokenSession(this.#issuer, this.#name, (why) => this.#changed(why));
    this.#me = new Me(this.#issuer.meAudience, {
      read: () => this.#session.access(this.#issuer.meAudience),
      send: (access, url, init) => this.#issuer.call(access, url, init),
      revoked: (error) => this.#revoked(error),
    });
    this.#methods = new Methods({
      asking: this.#asking, board: this.#board, me: this.#me, meAudience: this.#issuer.meAudience,
      held: () => this.#session.held,
      token: (audience, not) => this.#token(audience, not),
    });
  }

  // State and events

  /** The same object until something changes. */
  getState = (): AuthState => this.#board.state;

  subscribe = (watcher: () => void): (() => void) => this.#board.subscribe(watcher);

  on<E extends keyof AuthEvents>(event: E, listener: (detail: AuthEvents[E]) => void): () => void {
    return this.#board.on(event, listener);
  }

  #show(change: Partial<AuthState> = {}): void {
    this.#board.show(this.#session.held, change);
  }

  #changed(why: 'refreshed' | 'elsewhere' | 'out'): void {
    const was = this.#board.state.isAuthenticated;
    if (why === 'out') this.#methods.hold(undefined);
    this.#show();
    const user = this.#board.state.user;
    if (why === 'out' && was) this.#board.emit('logout', { reason: 'elsewhere' });
    if (why === 'elsewhere' && !was && user) this.#board.emit('login', { user, appState: undefined });
    if (why === 'refreshed') {
      const expires = Math.max(...Object.values(this.#session.held?.access ?? {}).map((access) => access.expires));
      this.#board.emit('tokenRefreshed', { expiresAt: new Date(expires) });
    }
  }

  // Beginning

  /**
   * Finds out who is here: takes the answer that this address carries, else asks
   * the other tabs, else the issuer without showing anything. Call it once a
   * page; more calls wait for the first. Returns when the state is known.
   */
  start(): Promise<void> {
    if (typeof window === 'undefined') return Promise.resolve();
    this.#listen();
    this.#started ??= this.#begin();
    return this.#started;
  }

  /** Ends listening; `start` begins it anew. */
  stop(): void {
    this.#stop?.abort();
    this.#stop = undefined;
    this.#session.disconnect();
  }

  async #begin(): Promise<void> {
    try {
      if (this.#asking.answers(new URL(location.href))) await this.handleRedirectCallback();
      else if (!(await this.#session.adopt())) await this.checkSession();
      await this.#offerPending();
    } catch (error) {
      if (!this.#board.state.error) this.#show({ error: this.#board.failed(error) });
    }
  }

  #listen(): void {
    if (this.#stop) return;
    this.#session.connect();
    this.#stop = attend({
      seen: () => void this.#touch(),
      away: () => this.#session.disconnect(),
      back: () => void this.#resume(),
    });
  }

  /** Back from the back-forward cache: much may have happened meanwhile. */
  async #resume(): Promise<void> {
    if (await this.#session.resume()) return;
    this.#board.set({ loading: true });
    await this.checkSession().catch(() => undefined);
    if (!this.#session.held) this.#board.emit('logout', { reason: 'elsewhere' });
  }

  /** Use of the page is use of the session: the issuer hears of it, and tells whether it still stands. */
  async #touch(): Promise<void> {
    const due = Date.now() - this.#touched > touchEvery;
    if (this.options.keepAlive === false || !due || !this.#framed || !this.#session.held || document.visibilityState !== 'visible') return;
    this.#touched = Date.now();
    const heard = await this.#asking.silently(this.#silent()).catch(() => undefined); // if not: the next refresh tells
    if (heard?.answer.get('error') === 'login_required') await this.#revoked(ended());
  }

  #asked(): Asked {
    const { audience } = this.options;
    const scope = this.options.scope ?? 'openid profile email offline_access me';
    return {
      scope,
      ...(audience && { resource: audience, resources: / me( |$)/.test(` ${scope}`) ? [audience, this.#issuer.meAudience] : [audience] }),
    };
  }

  #silent(): Asked {
    const held = this.#session.held;
    return { ...this.#asked(), ...(held && { idToken: held.idToken, sub: held.sub }), extra: { prompt: 'none' } };
  }

  /** Asks the issuer who is signed in, without showing anything. Tells whether somebody is. */
  async checkSession(): Promise<boolean> {
    needWindow();
    const how = this.options.silentCheck ?? 'iframe';
    if (how === 'off') {
      this.#show();
      return Boolean(this.#session.held);
    }
    const asked = this.#silent();
    if (how === 'redirect') {
      const once = `intelliauth checked ${this.#name}`;
      if (sessionStorage.getItem(once)) {
        sessionStorage.removeItem(once);
        this.#show();
        return Boolean(this.#session.held);
      }
      sessionStorage.setItem(once, '1');
      return this.#asking.leave('check', asked);
    }
    try {
      const { answer, transaction } = await this.#asking.silently(asked);
      await this.#take(await this.#issuer.redeem(answer, transaction), undefined);
      this.#framed = true;
      this.#touched = Date.now();
      return true;
    } catch (error) {
      const known = coded(error);
      if (['login_required', 'interaction_required', 'timeout'].includes(known.code)) {
        // Where frames have worked before, their word counts.
        if (this.#framed && known.code === 'login_required') await this.#revoked(ended());
        this.#show(this.#board.state.error ? {} : { error: null });
        return false;
      }
      this.#show({ error: this.#board.failed(known) });
      throw known;
    }
  }

  // Signing in and out

  /** Leaves the page. */
  async loginWithRedirect(options: LoginOptions = {}): Promise<void> {
    needWindow();
    const { requiredAal, maxAge } = options;
    await this.#asking.leave('login', {
      ...this.#asked(),
      ...(requiredAal && { level: requiredAal }),
      ...(maxAge !== undefined && { maxAge }),
      extra: { prompt: options.prompt, login_hint: options.loginHint, ui_locales: options.uiLocales },
    }, options);
  }

  /**
   * Takes the answer in an address. In a popup or silent frame it hands the
   * answer over and closes the window. `start` calls it by itself.
   */
  handleRedirectCallback(url: string = location.href): Promise<RedirectResult> {
    needWindow();
    const answer = new URL(url).searchParams;
    const state = answer.get('state') ?? '';
    let result = this.#callbacks.get(state);
    if (!result) {
      result = /^[ps]\./.test(state) ? this.#handOver(answer) : this.#comeBack(answer, state);
      this.#callbacks.set(state, result);
    }
    return result;
  }

  async #handOver(answer: URLSearchParams): Promise<RedirectResult> {
    if (!(await handOver(answer))) {
      const error = new IntelliAuthError('state_mismatch', 'The page that asked is gone. This window can be closed.');
      this.#show({ error: this.#board.failed(error) });
      throw error;
    }
    if (window.top === window) window.close();
    return { handled: false, appState: undefined, returnTo: '/' };
  }

  async #comeBack(answer: URLSearchParams, state: string): Promise<RedirectResult> {
    const { use, transaction, appState, returnTo } = this.#asking.left(state);
    try {
      if (!transaction || !use) throw new IntelliAuthError('state_mismatch', 'The answer is not to a question of this browser tab.');
      const tokens = await this.#issuer.redeem(answer, transaction);
      if (use === 'manage') this.#methods.hold(tokens.access);
      if (use === 'manage' || use === 'enrol') await this.#restore();
      else await this.#take(tokens, appState);
      sessionStorage.removeItem(`intelliauth checked ${this.#name}`);
    } catch (error) {
      const known = coded(error);
      if (use !== 'login' || !known.recoverable) await this.#restore().catch(() => undefined);
      if (use === 'check' && known.code !== 'state_mismatch') this.#show();
      else this.#show({ error: this.#board.failed(known) });
      if (use !== 'check') throw known;
    } finally {
      this.#navigate(returnTo ?? '/');
    }
    return { handled: true, appState, returnTo: returnTo ?? '/' };
  }

  /** After a redirect that brought no tokens for this page: those it had are gone. */
  async #restore(): Promise<void> {
    if (!this.#session.held && !(await this.#session.adopt()) && this.options.silentCheck !== 'redirect') await this.checkSession();
  }

  #navigate(to: string): void {
    if (this.options.onNavigate) this.options.onNavigate(to);
    else history.replaceState(null, '', to);
  }

  async #take(tokens: Tokens, appState: unknown): Promise<void> {
    const was = this.#session.held?.sub;
    if (was && was !== tokens.claims?.sub) throw new IntelliAuthError('subject_mismatch', 'Somebody else has signed in.');
    await this.#session.begin(tokens, this.options.audience ?? '');
    this.#show({ error: null });
    if (!was && this.#board.state.user) this.#board.emit('login', { user: this.#board.state.user, appState });
  }

  /** Signs out here, in the other tabs, and at the issuer: leaves the page, unless `localOnly`. */
  async logout(options: LogoutOptions = {}): Promise<void> {
    needWindow();
    const held = this.#session.held;
    this.#methods.hold(undefined);
    await this.#session.end(true);
    await this.#pending.forget();
    this.#show({ error: null });
    this.#board.emit('logout', { reason: 'here' });
    if (options.localOnly) return;
    const request = await this.#issuer.logoutRequest(held?.idToken, options.returnTo);
    if (request) submit(request.endpoint, request.fields);
  }

  async #revoked(error: IntelliAuthError): Promise<void> {
    if (!this.#session.held) return;
    this.#methods.hold(undefined);
    await this.#session.end(true);
    this.#show({ error });
    this.#board.emit('sessionRevoked', { error });
  }

  // Tokens

  async getAccessToken(options: TokenOptions = {}): Promise<string> {
    const audience = options.audience ?? this.options.audience ?? '';
    return (await this.#token(audience, options.fresh ? this.#session.held?.access[audience] : undefined)).token;
  }

  async #token(audience: string, not?: Access): Promise<Access> {
    needWindow();
    if (!this.#session.held) throw new IntelliAuthError('not_signed_in', 'Nobody is signed in.');
    try {
      return await this.#session.access(audience, not);
    } catch (error) {
      const known = coded(error);
      if (known.code !== 'invalid_grant') throw known;
      // The refresh token is of no use; the session may still stand.
      if (this.options.silentCheck !== 'redirect' && (await this.checkSession().catch(() => false))) {
        return this.#session.access(audience);
      }
      const over = ended(known);
      await this.#revoked(over);
      throw over;
    }
  }

  // Step-up

  /** Asks the person to prove more, or anew. Call it from a click: it opens a popup. */
  stepUp(options: StepUpOptions = {}): Promise<StepUpResult> {
    return this.#raise({ requiredAal: options.requiredAal ?? 2, maxAge: options.maxAge }, options);
  }

  #raise(demand: Demand, options: StepUpOptions, request?: Repeatable): Promise<StepUpResult> {
    const now = this.#stepping;
    if (now && now.demand.requiredAal >= demand.requiredAal && (now.demand.maxAge ?? Infinity) <= (demand.maxAge ?? Infinity)) return now.result;
    const result = this.#climb(demand, options, request)
      .then((): StepUpResult => ({ kind: 'success' }))
      .catch((error: unknown): StepUpResult => {
        const known = coded(error);
        return saysNo(known) ? { kind: 'cancelled' } : { kind: 'error', error: this.#board.failed(known) };
      })
      .finally(() => {
        if (this.#stepping === stepping) this.#stepping = undefined;
      });
    const stepping = { demand, result };
    this.#stepping = stepping;
    return result;
  }

  async #climb(demand: Demand, options: StepUpOptions, request?: Repeatable): Promise<void> {
    const held = this.#session.held;
    if (!held) throw new IntelliAuthError('not_signed_in', 'Nobody is signed in.');
    const asked: Asked = {
      ...this.#asked(), idToken: held.idToken, sub: held.sub, level: demand.requiredAal,
      ...(demand.maxAge !== undefined && { maxAge: demand.maxAge }),
      extra: { reason: options.reason },
    };
    const tokens = await this.#asking.elsewhere('stepUp', asked, options, async () => {
      if (request) await this.#pending.keep(held.sub, request);
    });
    await this.#take(tokens, undefined);
  }

  async #offerPending(): Promise<void> {
    const gone = () => this.#board.set({ pendingRequest: null });
    const pendingRequest = await this.#pending.offer(() => this.#session.held?.sub, gone, (request) => this.#exchange(request, {}));
    if (pendingRequest) this.#board.set({ pendingRequest });
  }

  // Calling APIs

  /**
   * `window.fetch` with a token for the origins in `apiOrigins`. Where the API
   * demands more (RFC 9470), steps up and repeats the request once, body included.
   */
  fetch = async (input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(input instanceof Request ? input.url : String(input), location.href);
    if (!(this.options.apiOrigins ?? []).includes(url.origin)) return fetch(input, init);
    const request = await repeatable(input, init, this.options.maxBufferedBody ?? 16 * 1024 * 1024);
    const { body: _, headers: __, method: ___, ...rest } = init;
    if (input instanceof Request && !rest.signal) rest.signal = input.signal;
    return this.#exchange(request, rest);
  };

  #exchange(request: Repeatable, init: RequestInit): Promise<Response> {
    return exchange(request, init, {
      issuer: this.#issuer,
      audience: this.options.audience ?? '',
      sub: () => this.#session.held?.sub,
      token: (audience, not) => this.#token(audience, not),
      raise: (demand, options, interrupted) => {
        this.#board.emit('stepUpRequired', { ...demand, url: interrupted.url });
        return this.#raise(demand, options, interrupted);
      },
      revoked: (error) => this.#revoked(error),
    });
  }

  // Sign-in methods and sessions

  /** Sets up a factor. Call it from a click: it may open a popup. */
  startMfaEnrolment(factor: Factor, options: { name?: string; phoneNumber?: string } = {}): Promise<EnrolmentResult> {
    return this.#methods.enrol(factor, options);
  }

  listMfaEnrolments(): Promise<Enrolment[]> {
    return this.#methods.read((access) => this.#me.enrolments(access));
  }

  listMfaEnrollments(): Promise<Enrolment[]> {
    return this.listMfaEnrolments();
  }

  renameMfaEnrolment(id: string, name: string): Promise<Enrolment> {
    return this.#methods.change((access) => this.#me.rename(access, id, name));
  }

  removeMfaEnrolment(id: string): Promise<void> {
    return this.#methods.change((access) => this.#me.remove(access, id));
  }

  listSessions(): Promise<Session[]> {
    return this.#methods.read((access) => this.#me.sessions(access));
  }

  revokeSession(id: string): Promise<void> {
    return this.#methods.change((access) => this.#me.endSession(access, id));
  }

  revokeOtherSessions(): Promise<void> {
    return this.#methods.change((access) => this.#me.endOthers(access));
  }

  changePassword(change: { current: string; new: string }): Promise<void> {
    return this.#methods.change((access) => this.#me.password(access, change));
  }
}
