import type { IncomingMessage, ServerResponse } from 'node:http';
import { Refusal, answerTo } from './errors';
import { Verifier, demandAal, demandScope, type Claims, type VerifierOptions } from './verify';

/** Who calls, as `req.auth` and as the second argument of a web-standard handler. */
export interface Auth {
  claims: Claims;
  scheme: 'Bearer' | 'DPoP';
  /** Throws a Refusal; see {@link demandAal}. */
  requireAal(level: 1 | 2 | 3, options?: { maxAge?: number }): void;
  requireScope(...scopes: string[]): void;
}

export interface MiddlewareOptions extends VerifierOptions {
  /** A verifier made elsewhere, to be shared. */
  verifier?: Verifier;
  /** Where clients reach this API, such as `https://api.example`, if a proxy hides it; proofs of keys name it. */
  publicUrl?: string;
}

/** What Express, Connect and node:http have in common. */
export type NodeRequest = IncomingMessage & { auth?: Auth; originalUrl?: string; protocol?: string };
type Next = (error?: unknown) => void;
export type NodeMiddleware = (request: NodeRequest, response: ServerResponse, next: Next) => void;

function authOf({ claims, scheme }: { claims: Claims; scheme: 'Bearer' | 'DPoP' }, verifier: Verifier): Auth {
  return {
    claims, scheme,
    requireAal: (level, options = {}) => demandAal(claims, level, { ...options, now: verifier.now() }),
    requireScope: (...scopes) => demandScope(claims, scopes),
  };
}

/** The one value of a header, counted as it came over the wire: Node keeps the first of two. */
function single(request: IncomingMessage, name: string): string | undefined {
  const values = request.headersDistinct[name] ?? [];
  if (values.length > 1) throw new Refusal('invalid_request', `There is more than one ${name} header.`);
  return values[0];
}

function refuse(response: ServerResponse, refusal: Refusal, scheme: 'Bearer' | 'DPoP', verifier?: Verifier): void {
  const { status, headers, body } = answerTo(refusal, scheme);
  const nonce = verifier?.proofs.nonce();
  if (nonce) response.setHeader('DPoP-Nonce', nonce);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.statusCode = status;
  response.end(body);
}

/** Express: lets only requests with a good access token on, with `req.auth`. */
export function intelliAuth(options: MiddlewareOptions): NodeMiddleware & { verifier: Verifier } {
  const verifier = options.verifier ?? new Verifier(options);
  const middleware: NodeMiddleware = (request, response, next) => {
    const run = async () => {
      const base = options.publicUrl ?? `${request.protocol ?? ('encrypted' in request.socket ? 'https' : 'http')}://${request.headers.host ?? ''}`;
      const dpop = single(request, 'dpop');
      const found = await verifier.verify(single(request, 'authorization'), {
        method: request.method ?? '', url: address(base, request.originalUrl ?? request.url ?? '/'), ...(dpop !== undefined && { dpop }),
      });
      request.auth = authOf(found, verifier);
      const nonce = found.scheme === 'DPoP' ? verifier.proofs.nonce() : undefined;
      if (nonce) response.setHeader('DPoP-Nonce', nonce);
    };
    run().then(() => next(), (error: unknown) => {
      if (error instanceof Refusal) refuse(response, error, schemeOf(request.headers.authorization), verifier);
      else next(error);
    });
  };
  return Object.assign(middleware, { verifier });
}

const schemeOf = (authorization: string | null | undefined) => (/^dpop /i.test(authorization ?? '') ? 'DPoP' : 'Bearer');
const address = (base: string, path: string) => (/^https?:/i.test(path) ? path : base.replace(/\/$/, '') + path);

/** A demand of its own, after {@link intelliAuth}; without that before it nobody passes. */
function demand(what: (auth: Auth) => void): NodeMiddleware {
  return (request, response, next) => {
    try {
      if (!request.auth) throw new Refusal('token_missing', 'An access token is wanted.');
      what(request.auth);
    } catch (error) {
      if (!(error instanceof Refusal)) return next(error);
      return refuse(response, error, request.auth?.scheme ?? 'Bearer');
    }
    return next();
  };
}

/** Express: demands a level, proved at most `maxAge` seconds ago; answers `mfa_required` otherwise. */
export function requireAal(level: 1 | 2 | 3, options: { maxAge?: number } = {}): NodeMiddleware {
  return demand((auth) => auth.requireAal(level, options));
}

/** Express: demands every one of these scopes. */
export function requireScope(...scopes: string[]): NodeMiddleware {
  return demand((auth) => auth.requireScope(...scopes));
}

export type WebHandler<Rest extends unknown[] = []> = (request: Request, auth: Auth, ...rest: Rest) => Response | Promise<Response>;

/**
 * Web-standard servers: makes a handler that is only called with a good token.
 * A Refusal that the handler throws, as `auth.requireAal` does, becomes its answer.
 */
export function protect<Rest extends unknown[] = []>(
  options: MiddlewareOptions & { aal?: 1 | 2 | 3; maxAge?: number; scopes?: string[] },
  handler: WebHandler<Rest>,
): ((request: Request, ...rest: Rest) => Promise<Response>) & { verifier: Verifier } {
  const verifier = options.verifier ?? new Verifier(options);
  const guarded = async (request: Request, ...rest: Rest): Promise<Response> => {
    const authorization = request.headers.get('authorization') ?? undefined;
    try {
      const { pathname, search } = new URL(request.url);
      const dpop = request.headers.get('dpop');
      const found = await verifier.verify(authorization, {
        method: request.method, url: options.publicUrl ? address(options.publicUrl, pathname + search) : request.url, ...(dpop !== null && { dpop }),
      });
      const auth = authOf(found, verifier);
      if (options.scopes) auth.requireScope(...options.scopes);
      if (options.aal) auth.requireAal(options.aal, options.maxAge === undefined ? {} : { maxAge: options.maxAge });
      return await handler(request, auth, ...rest);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { status, headers, body } = answerTo(error, schemeOf(authorization));
      const nonce = verifier.proofs.nonce();
      return new Response(body, { status, headers: { ...headers, ...(nonce && { 'dpop-nonce': nonce }) } });
    }
  };
  return Object.assign(guarded, { verifier });
}
