import type { IntelliAuthError } from './errors';

export type Level = 1 | 2 | 3;
export type Factor = 'totp' | 'sms' | 'email' | 'passkey' | 'recovery';

export interface AuthClientOptions {
  /** The tenant's issuer, such as `https://login.example`. */
  tenantUrl: string;
  clientId: string;
  /** Registered for the application, on this page's origin. Ends popups and silent checks, too. */
  redirectUri: string;
  /** Default `openid profile email offline_access me`. */
  scope?: string;
  /** Of the API that tokens are for; left out, the application's own. */
  audience?: string;
  /** Origins that `fetch` may send tokens to. Everywhere else it is `window.fetch`. */
  apiOrigins?: string[];
  /** How a step-up is shown. `auto`: a popup, or a redirect where the browser blocks it. */
  stepUpMode?: 'auto' | 'popup' | 'redirect';
  /** How to find out, without asking, that somebody is signed in. `redirect` where browsers keep the issuer's cookies from frames. */
  silentCheck?: 'iframe' | 'redirect' | 'off';
  /** Lets use of the page keep the session from idling. Default true. */
  keepAlive?: boolean;
  /** The longest stream, in bytes, that `fetch` keeps for a repetition. Default 16 MiB; other bodies have no limit. */
  maxBufferedBody?: number;
  /** Where to go after a sign-in by redirect; default `history.replaceState`. */
  onNavigate?: (to: string) => void;
}

export interface User {
  id: string;
  email?: string;
  emailVerified?: boolean;
  name?: string;
  /** All claims of the ID token. */
  claims: Readonly<Record<string, unknown>>;
}

/** A request that a step-up by redirect interrupted; sent only by `send`. */
export interface PendingRequest {
  readonly method: string;
  readonly url: string;
  readonly savedAt: Date;
  send(): Promise<Response>;
  discard(): Promise<void>;
}

/** What a person is doing in another window now. */
export interface Waiting {
  readonly for: 'stepUp' | 'enrolment' | 'manage';
  /** Gives up: the call ends as cancelled. */
  cancel(): void;
  focus(): void;
}

/** Changes as a whole: the same object means that nothing changed. */
export interface AuthState {
  readonly loading: boolean;
  readonly isAuthenticated: boolean;
  readonly user: User | null;
  /** What the last tokens showed; 0 while nobody is signed in. */
  readonly aal: 0 | Level;
  readonly error: IntelliAuthError | null;
  readonly pendingRequest: PendingRequest | null;
  readonly waiting: Waiting | null;
}

export interface AuthEvents {
  login: { user: User; appState: unknown };
  logout: { reason: 'here' | 'elsewhere' };
  tokenRefreshed: { expiresAt: Date };
  stepUpRequired: { requiredAal: Level; maxAge: number | undefined; url: string | undefined };
  sessionRevoked: { error: IntelliAuthError };
  error: { error: IntelliAuthError };
}

export interface LoginOptions {
  /** Comes back from `handleRedirectCallback` and with the event `login`. */
  appState?: unknown;
  /** A path of this origin to show afterwards; default the present one. */
  returnTo?: string;
  requiredAal?: Level;
  maxAge?: number;
  loginHint?: string;
  prompt?: 'login' | 'consent' | 'select_account';
  uiLocales?: string;
}

export interface LogoutOptions {
  /** Registered as a post-logout URI. */
  returnTo?: string;
  /** Forget the tokens, leave the session at the issuer. */
  localOnly?: boolean;
}

export interface StepUpOptions {
  requiredAal?: Level;
  /** Seconds since the proof at most. */
  maxAge?: number;
  /** Id of a reason that is registered with the application. */
  reason?: string;
  mode?: 'auto' | 'popup' | 'redirect';
  signal?: AbortSignal;
}

export type StepUpResult = { kind: 'success' } | { kind: 'cancelled' } | { kind: 'error'; error: IntelliAuthError };

export interface TokenOptions {
  audience?: string;
  /** Fetch a new one whatever the old one is worth. */
  fresh?: boolean;
}

export interface Enrolment {
  id: string;
  factor: Factor;
  name: string;
  enrolledAt: string;
  lastUsedAt?: string;
  restricted: boolean;
  suspended?: boolean;
}

export interface PendingEnrolment {
  kind: 'pending';
  id: string;
  secret?: string;
  uri?: string;
  /** A data URL. */
  qr?: string;
  sentTo?: string;
  codes?: string[];
  complete(response: { code: string }): Promise<EnrolmentResult>;
}

export type EnrolmentResult =
  | PendingEnrolment
  | { kind: 'success'; enrolment?: Enrolment }
  | { kind: 'cancelled' }
  | { kind: 'error'; error: IntelliAuthError };

export interface Session {
  id: string;
  current: boolean;
  device: string;
  ip: string;
  aal: number;
  bound: boolean;
  createdAt: string;
  lastActiveAt: string;
}

export interface RedirectResult {
  /** False where the page is a popup or frame whose answer was handed over. */
  handled: boolean;
  appState: unknown;
  returnTo: string;
}
