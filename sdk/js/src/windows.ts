import { IntelliAuthError } from './errors';
import type { Transaction } from './oauth';

// Other windows of this browser: popups and frames that go to the issuer and end
// on the application's redirect URI, which hands its answer over by a
// BroadcastChannel named by state. Nothing leans on window.opener, or on
// popup.closed: where opener policies part the two, it is true at once.

const patience = 15 * 60_000; // a flow lives no longer
const frameWaits = 10_000;
const channelOf = (state: string) => new BroadcastChannel(`intelliauth ${state}`);

/** Opens an empty popup. Call it before anything is awaited: browsers allow it to a click. */
export function openPopup(): Window | null {
  const left = Math.max(0, Math.round(screenX + (outerWidth - 480) / 2));
  const top = Math.max(0, Math.round(screenY + (outerHeight - 720) / 2));
  return window.open('', `intelliauth-${crypto.randomUUID()}`, `popup,width=480,height=720,left=${left},top=${top}`);
}

/** Posts a form to an address, into this window or one with that name: an ID token has no place in an address. */
export function submit(endpoint: string, fields: [string, string][], target = '_self'): void {
  const form = document.createElement('form');
  Object.assign(form, { method: 'POST', action: endpoint, target, hidden: true });
  for (const [name, value] of fields) {
    const input = document.createElement('input');
    Object.assign(input, { type: 'hidden', name, value });
    form.append(input);
  }
  document.body.append(form);
  form.submit();
  form.remove();
}

/** The answer to a request, once another window hands it over. */
export function answerOf({ state }: Transaction, signal: AbortSignal): Promise<URLSearchParams> {
  const channel = channelOf(state);
  return new Promise<URLSearchParams>((done, fail) => {
    const giveUp = () => fail(signal.reason);
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    channel.onmessage = ({ data }: MessageEvent<{ answer?: string }>) => {
      if (data.answer === undefined) return;
      channel.postMessage({ taken: true });
      done(new URLSearchParams(data.answer));
    };
  }).finally(() => setTimeout(() => channel.close(), 100)); // not before `taken` is out
}

/** In a popup or frame: gives the answer to the window that asked. False if nobody did. */
export function handOver(answer: URLSearchParams): Promise<boolean> {
  const channel = channelOf(answer.get('state') ?? '');
  return new Promise<boolean>((done) => {
    const over = (taken: boolean) => {
      clearTimeout(timer);
      channel.close();
      done(taken);
    };
    const timer = setTimeout(() => over(false), 2000);
    channel.onmessage = ({ data }: MessageEvent<{ taken?: boolean }>) => {
      if (data.taken) over(true);
    };
    channel.postMessage({ answer: answer.toString() });
  });
}

/** Gives a popup until its flow is over, or `signal` says that it was cancelled. */
export async function throughPopup(popup: Window, endpoint: string, fields: [string, string][], t: Transaction, signal: AbortSignal): Promise<URLSearchParams> {
  const answer = answerOf(t, withTimeout(signal, patience));
  answer.catch(() => undefined);
  submit(endpoint, fields, popup.name);
  try {
    return await answer;
  } finally {
    popup.close(); // does nothing where it has closed itself
  }
}

/** Asks in a hidden frame, without anybody seeing. */
export async function throughFrame(endpoint: string, fields: [string, string][], t: Transaction): Promise<URLSearchParams> {
  const frame = document.createElement('iframe');
  frame.hidden = true;
  frame.title = 'IntelliAuth';
  frame.name = t.state;
  const answer = answerOf(t, withTimeout(undefined, frameWaits));
  answer.catch(() => undefined);
  document.body.append(frame);
  submit(endpoint, fields, frame.name);
  try {
    return await answer;
  } finally {
    setTimeout(() => frame.remove(), 0);
  }
}

function withTimeout(signal: AbortSignal | undefined, after: number): AbortSignal {
  const ends = new AbortController();
  const timer = setTimeout(() => ends.abort(new IntelliAuthError('timeout', 'Nobody answered.')), after);
  ends.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  signal?.addEventListener('abort', () => ends.abort(signal.reason), { once: true });
  if (signal?.aborted) ends.abort(signal.reason);
  return ends.signal;
}

/** Tells when this page is used, when it goes into the back-forward cache or away, and when it comes back from there. */
export function attend({ seen, away, back }: { seen(): void; away(): void; back(): void }): AbortController {
  const ends = new AbortController();
  const { signal } = ends;
  for (const event of ['pointerdown', 'keydown']) addEventListener(event, seen, { signal, passive: true, capture: true });
  addEventListener('pagehide', away, { signal });
  addEventListener('pageshow', ({ persisted }) => { if (persisted) back(); }, { signal });
  return ends;
}
