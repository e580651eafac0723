import { IntelliAuthError } from './errors';

// A request that can be sent more than once, and kept in IndexedDB meanwhile.

type Part = [name: string, value: string | File];

type Kept =
  | { kind: 'none' }
  | { kind: 'text'; text: string }
  | { kind: 'bytes'; bytes: Uint8Array<ArrayBuffer> }
  | { kind: 'blob'; blob: Blob }
  | { kind: 'form'; parts: Part[] };

export interface Repeatable {
  url: string;
  method: string;
  headers: [string, string][];
  body: Kept;
}

/**
 * Takes a request as it is now: a form that is emptied later does not change it.
 * A stream, or the body of a Request, is read up to `limit` bytes.
 */
export async function repeatable(input: RequestInfo | URL, init: RequestInit, limit: number): Promise<Repeatable> {
  const given = input instanceof Request ? input : undefined;
  const headers = new Headers(init.headers ?? given?.headers);
  const method = (init.method ?? given?.method ?? 'GET').toUpperCase();
  const body = await keep(init.body ?? given?.body ?? null, headers, limit);
  return { url: new URL(given ? given.url : String(input), location.href).href, method, headers: [...headers], body };
}

async function keep(body: BodyInit | null, headers: Headers, limit: number): Promise<Kept> {
  if (body === null) return { kind: 'none' };
  if (typeof body === 'string') return { kind: 'text', text: body };
  if (body instanceof URLSearchParams) {
    if (!headers.has('content-type')) headers.set('content-type', 'application/x-www-form-urlencoded;charset=UTF-8');
    return { kind: 'text', text: body.toString() };
  }
  if (body instanceof FormData) return { kind: 'form', parts: [...body] };
  if (body instanceof Blob) return { kind: 'blob', blob: body };
  if (body instanceof ReadableStream) return { kind: 'bytes', bytes: await drain(body, limit) };
  const view = ArrayBuffer.isView(body) ? new Uint8Array(body.buffer, body.byteOffset, body.byteLength) : new Uint8Array(body);
  return { kind: 'bytes', bytes: view.slice() };
}

async function drain(stream: ReadableStream<Uint8Array>, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.byteLength;
    if (length > limit) {
      void reader.cancel();
      throw new IntelliAuthError('body_not_repeatable', `The stream is longer than ${limit} bytes, so it could not be sent again after a step-up. Send a Blob, or step up first.`);
    }
    chunks.push(value);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.byteLength;
  }
  return all;
}

/** A body for one sending. */
export function bodyOf({ body }: Repeatable): BodyInit | null {
  switch (body.kind) {
    case 'none': return null;
    case 'text': return body.text;
    case 'bytes': return body.bytes;
    case 'blob': return body.blob;
    case 'form': {
      const form = new FormData();
      for (const [name, value] of body.parts) {
        if (typeof value === 'string') form.append(name, value);
        else form.append(name, value, value.name);
      }
      return form;
    }
  }
}
