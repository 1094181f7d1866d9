// @ts-check
// The key of this browser. It is made here, kept here, and its private half is never seen by any code.

const DATABASE = 'wsbeat';
const STORE = 'keys';
const NAME = 'registration';

/** Whether this browser has what it takes, on this page. */
export const hasKeys = () => isSecureContext && 'subtle' in crypto && 'indexedDB' in globalThis;

/** A key that signs. */
export class Key {
  #pair;

  /**
   * @param {CryptoKeyPair} pair
   * @param {string} address the public half, in unpadded base64url
   */
  constructor(pair, address) {
    this.#pair = pair;
    this.address = address;
  }

  /**
   * @param {string} text
   * @returns {Promise<string>} the signature of its bytes, in unpadded base64url
   */
  async sign(text) {
    const bytes = new TextEncoder().encode(text);
    return base64url(await crypto.subtle.sign('Ed25519', this.#pair.privateKey, bytes));
  }
}

/**
 * The key that is kept, or a new one if there is none.
 * @returns {Promise<Key>}
 */
export async function keptKey() {
  const kept = await inStore('readonly', (store) => store.get(NAME));
  return kept ? keyOf(kept) : newKey('only if there is none');
}

/**
 * Makes a key and keeps it. Two pages that do so at once end up with the same one, unless a new one is
 * wanted in any case.
 * @param {'only if there is none' | 'in any case'} when
 * @returns {Promise<Key>}
 */
export async function newKey(when) {
  const pair = await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify']);
  try {
    await inStore('readwrite', (store) =>
      when === 'in any case' ? store.put(pair, NAME) : store.add(pair, NAME),
    );
  } catch (error) {
    if (error instanceof DOMException && error.name === 'ConstraintError') {
      return keptKey();
    }
    throw error;
  }
  return keyOf(/** @type {CryptoKeyPair} */ (pair));
}

/** @param {CryptoKeyPair} pair */
async function keyOf(pair) {
  return new Key(pair, base64url(await crypto.subtle.exportKey('raw', pair.publicKey)));
}

/**
 * @param {ArrayBuffer} bytes
 * @returns {string} unpadded (RFC 4648 section 5)
 */
function base64url(bytes) {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes)));
  return text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/**
 * Does one thing with what is kept.
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} act
 * @returns {Promise<T>}
 */
async function inStore(mode, act) {
  const opening = indexedDB.open(DATABASE, 1);
  opening.addEventListener('upgradeneeded', () => opening.result.createObjectStore(STORE));
  const database = await result(opening);
  try {
    const transaction = database.transaction(STORE, mode);
    const done = await result(act(transaction.objectStore(STORE)));
    await completed(transaction);
    return done;
  } finally {
    database.close();
  }
}

/**
 * Waits until what was changed is kept.
 * @param {IDBTransaction} transaction
 * @returns {Promise<void>}
 */
function completed(transaction) {
  return new Promise((resolve, reject) => {
    transaction.addEventListener('complete', () => resolve());
    transaction.addEventListener('abort', () => reject(transaction.error));
  });
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function result(request) {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', (event) => {
      // Or it would be reported once more, as an error of the page.
      event.preventDefault();
      reject(request.error);
    });
  });
}
