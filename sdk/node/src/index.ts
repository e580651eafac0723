export { intelliAuth, protect, requireAal, requireScope, type Auth, type MiddlewareOptions, type NodeMiddleware, type NodeRequest, type WebHandler } from './middleware';
export { Verifier, demandAal, demandScope, verifyAccessToken, type Claims, type Presented, type Verification, type VerifierOptions } from './verify';
export { Refusal, answerTo, type RefusalCode } from './errors';
export type { DPoPOptions } from './dpop';
export type { Revocation, RevocationOptions } from './revocations';
