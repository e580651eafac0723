import type { Repeatable } from './body';
import { IntelliAuthError } from './errors';
import { kept } from './store';
import type { PendingRequest } from './types';

// A request that a step-up by redirect interrupted: kept for five minutes, for
// the person whose it is, and sent only when the application says so (C-33).

interface PendingRecord {
  sub: string;
  at: number;
  request: Repeatable;
}

const life = 5 * 60_000;

export class Pending {
  readonly #key: string;
  constructor(name: string) {
    this.#key = `pending ${name}`;
  }

  async keep(sub: string, request: Repeatable): Promise<void> {
    await kept.put(this.#key, { sub, at: Date.now(), request } satisfies PendingRecord);
  }

  async forget(): Promise<void> {
    await kept.remove(this.#key).catch(() => undefined);
  }

  /** What waits for the person who is signed in. `whose` tells who that is at the time. */
  async offer(whose: () => string | undefined, gone: () => void, send: (request: Repeatable) => Promise<Response>): Promise<PendingRequest | undefined> {
    const found = await kept.get<PendingRecord>(this.#key).catch(() => undefined);
    if (!found) return undefined;
    const over = () => Date.now() - found.at > life || found.at > Date.now();
    if (over() || found.sub !== whose()) {
      if (over() || whose()) await this.forget();
      return undefined;
    }
    const discard = async () => {
      gone();
      await this.forget();
    };
    return {
      method: found.request.method, url: found.request.url, savedAt: new Date(found.at), discard,
      send: async () => {
        const late = over() || whose() !== found.sub;
        await discard();
        if (late) throw new IntelliAuthError('not_signed_in', 'The request waited too long, or for somebody else.');
        return send(found.request);
      },
    };
  }
}
