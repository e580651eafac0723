import { IntelliAuthError } from './errors';

// What outlives a page: the key that refresh tokens are bound to, the generation
// of the tokens, a request that waits. Never a token.

const failed = (cause: unknown) => new IntelliAuthError('storage_unavailable', 'This browser keeps nothing for this page.', { cause });

let open: Promise<IDBDatabase> | undefined;

function database(): Promise<IDBDatabase> {
  open ??= new Promise<IDBDatabase>((done, fail) => {
    const request = indexedDB.open('intelliauth', 1);
    request.onupgradeneeded = () => request.result.createObjectStore('kept');
    request.onsuccess = () => {
      request.result.onclose = request.result.onversionchange = () => {
        request.result.close();
        open = undefined;
      };
      done(request.result);
    };
    request.onerror = () => fail(request.error);
  }).catch((cause: unknown) => {
    open = undefined;
    throw failed(cause);
  });
  return open;
}

async function run<T>(mode: IDBTransactionMode, what: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const db = await database();
  return new Promise<T>((done, fail) => {
    const transaction = db.transaction('kept', mode);
    const request = what(transaction.objectStore('kept'));
    transaction.oncomplete = () => done(request.result);
    transaction.onabort = transaction.onerror = () => fail(failed(transaction.error));
  });
}

export const kept = {
  get: <T>(key: string) => run<T | undefined>('readonly', (s) => s.get(key) as IDBRequest<T | undefined>),
  put: (key: string, value: unknown) => run('readwrite', (s) => s.put(value, key)),
  remove: (key: string) => run('readwrite', (s) => s.delete(key)),

  /** Puts a value only where there is none, and returns what is there. */
  async once<T>(key: string, value: T): Promise<T> {
    const db = await database();
    return new Promise<T>((done, fail) => {
      const transaction = db.transaction('kept', 'readwrite');
      const store = transaction.objectStore('kept');
      const found = store.get(key) as IDBRequest<T | undefined>;
      let result = value;
      found.onsuccess = () => {
        if (found.result === undefined) store.put(value, key);
        else result = found.result;
      };
      transaction.oncomplete = () => done(result);
      transaction.onabort = transaction.onerror = () => fail(failed(transaction.error));
    });
  },
};
