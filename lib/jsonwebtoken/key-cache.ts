import { createPrivateKey, createPublicKey, createSecretKey, KeyObject } from 'node:crypto';

import { BoundedMap } from './bounded-map.js';
import { KeyHandle } from './key-handle.js';

/** Makes a key of what is no KeyObject yet, or throws. */
type Parser = (material: never) => KeyObject;

/** Of each form, twice this many are remembered. */
const HALF = 50;

/** Longer material is parsed each time: no key is that long, and what is remembered stays in memory. */
const MAX_LENGTH = 16 * 1024;

/**
 * Key handles by the material that they were made of: making one anew takes hundreds of microseconds. At most 100 strings,
 * 100 byte arrays and 100 objects such as `{ key, passphrase }` are remembered, all by what they contain, so that changing a
 * buffer changes the key; KeyObjects, which never change, for as long as they live.
 */
export class KeyCache {
  readonly #asymmetric: Parser;
  readonly #strings = new BoundedMap<KeyHandle>(HALF);
  readonly #bytes = new BoundedMap<KeyHandle>(HALF);
  readonly #objects = new BoundedMap<KeyHandle>(HALF);
  readonly #keyObjects = new WeakMap<KeyObject, KeyHandle>();

  /** What `asymmetric` cannot read is a secret. */
  constructor(asymmetric: Parser) {
    this.#asymmetric = asymmetric;
  }

  /** The handle of text, bytes or a KeyObject that was seen before. */
  known(material: unknown): KeyHandle | undefined {
    if (typeof material === 'string') return this.#strings.get(material);
    if (material instanceof KeyObject) return this.#keyObjects.get(material);
    const bytes = bytesOf(material);
    return bytes === undefined ? undefined : this.#bytes.get(bytes);
  }

  /** @throws TypeError if it is not even a secret. */
  handle(material: unknown): KeyHandle {
    if (material instanceof KeyObject) return this.#ofKeyObject(material);
    const [map, name] = this.#place(material);
    if (name === undefined || name.length > MAX_LENGTH) return new KeyHandle(this.#parse(material));
    const known = map.get(name);
    if (known !== undefined) return known;
    const handle = new KeyHandle(this.#parse(material));
    map.set(name, handle);
    return handle;
  }

  #parse(material: unknown): KeyObject {
    try {
      return this.#asymmetric(material as never);
    } catch {
      return createSecretKey(typeof material === 'string' ? Buffer.from(material) : (material as Buffer));
    }
  }

  #ofKeyObject(key: KeyObject): KeyHandle {
    const known = this.#keyObjects.get(key);
    if (known !== undefined) return known;
    const handle = new KeyHandle(key);
    this.#keyObjects.set(key, handle);
    return handle;
  }

  #place(material: unknown): readonly [map: BoundedMap<KeyHandle>, name: string | undefined] {
    if (typeof material === 'string') return [this.#strings, material];
    const bytes = bytesOf(material);
    return bytes === undefined ? [this.#objects, nameOf(material)] : [this.#bytes, bytes];
  }
}

/** Keys to sign with: a private key if the material is one, a secret otherwise. */
export const signingKeys = new KeyCache(createPrivateKey);

/** Keys to verify with: a public key if one can be made of the material, a secret otherwise. */
export const verificationKeys = new KeyCache(createPublicKey);

/** The bytes as text, one character each. */
function bytesOf(value: unknown): string | undefined {
  if (!ArrayBuffer.isView(value) || value.byteLength > MAX_LENGTH) return undefined;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1');
}

/** Everything that an object such as `{ key, passphrase }` says; `undefined` if it holds more than text and bytes. */
function nameOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return undefined;
  const parts: unknown[] = [];
  for (const [name, part] of Object.entries(value)) {
    const text: unknown = typeof part === 'string' ? part : bytesOf(part);
    if (typeof text !== 'string') return undefined;
    parts.push([name, typeof part, text]);
  }
  return JSON.stringify(parts);
}
