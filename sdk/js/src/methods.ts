import type { Asking } from './asking';
import { saysNo } from './asking';
import { IntelliAuthError } from './errors';
import type { Me } from './me';
import { coded, type Access } from './oauth';
import type { Held } from './session';
import type { Board } from './state';
import type { EnrolmentResult, Factor } from './types';

/** What the client lends. */
export interface Lent {
  asking: Asking;
  board: Board;
  me: Me;
  meAudience: string;
  held(): Held | undefined;
  token(audience: string, not?: Access): Promise<Access>;
}

/** With which token the Me API is read and changed, and how a factor is set up. */
export class Methods {
  readonly #lent: Lent;
  #factors: Access | undefined;

  constructor(lent: Lent) {
    this.#lent = lent;
  }

  /** Takes a token that may change sign-in methods, or forgets the one there is. */
  hold(factors: Access | undefined): void {
    this.#factors = factors;
  }

  #held(): Held {
    const held = this.#lent.held();
    if (!held) throw new IntelliAuthError('not_signed_in', 'Nobody is signed in.');
    return held;
  }

  /** A token that may change sign-in methods: the person confirms it in a popup, for five minutes. */
  async #manage(): Promise<Access> {
    if (this.#factors && this.#factors.expires - 15_000 > Date.now()) return this.#factors;
    const { idToken, sub } = this.#held();
    const { asking, meAudience } = this.#lent;
    const { access } = await asking.elsewhere('manage', { scope: 'openid me me:factors', resource: meAudience, idToken, sub }, {});
    this.#factors = access;
    return access;
  }

  /** One change with a fresh purpose. Where the token no longer shows enough, as after a first factor, asks once more. */
  async change<T>(what: (access: Access) => Promise<T>): Promise<T> {
    const had = this.#factors;
    const access = await this.#manage();
    try {
      return await what(access);
    } catch (error) {
      if (!['mfa_required', 'invalid_token'].includes(coded(error).code)) throw error;
      this.#factors = undefined;
      if (access !== had) throw error;
      return what(await this.#manage());
    }
  }

  async read<T>(what: (access: Access) => Promise<T>): Promise<T> {
    const { token, meAudience } = this.#lent;
    const access = await token(meAudience);
    try {
      return await what(access);
    } catch (error) {
      if (coded(error).code !== 'invalid_token') throw error;
      return what(await token(meAudience, access));
    }
  }

  async enrol(factor: Factor, options: { name?: string; phoneNumber?: string }): Promise<EnrolmentResult> {
    const { me, board } = this.#lent;
    try {
      if (factor === 'passkey') return await this.#enrolPasskey();
      return await this.change((access) => me.enrol(access, factor, options));
    } catch (error) {
      const known = coded(error);
      return saysNo(known) ? { kind: 'cancelled' } : { kind: 'error', error: board.failed(known) };
    }
  }

  /** The ceremony belongs on the tenant's origin. */
  async #enrolPasskey(): Promise<EnrolmentResult> {
    const { idToken, sub } = this.#held();
    const { asking, me } = this.#lent;
    await asking.elsewhere('enrol', { scope: 'openid', idToken, sub, extra: { enrol: 'passkey' } }, {});
    const passkeys = (await this.read((access) => me.enrolments(access))).filter(({ factor }) => factor === 'passkey');
    const enrolment = passkeys.sort((a, b) => b.enrolledAt.localeCompare(a.enrolledAt))[0];
    return { kind: 'success', ...(enrolment && { enrolment }) };
  }
}
