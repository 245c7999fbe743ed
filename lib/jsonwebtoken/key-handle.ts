import type { KeyObject } from 'node:crypto';

import { native } from '../native.js';
import { translated } from '../native-error.js';

/** The raw functions of one HMAC key: text in, text or an error number out. */
export interface HmacFunctions {
  /** The token over a header in base64url and a payload's text, with the members of a second object in it if there is one. */
  readonly sign: (header: string, payload: string, added?: string) => string | number;
  /** The payload's text. It does not look at the header. */
  readonly open: (token: string) => string | number;
}

/** A key as a caller gave it, and what was derived from it. */
export class KeyHandle {
  readonly object: KeyObject;
  readonly #hmac = new Map<string, HmacFunctions>();
  #refusal: string | null | undefined;

  constructor(object: KeyObject) {
    this.object = object;
  }

  /** Why this must never be an HMAC secret, with what to do about it; `null`: it may be one. */
  get refusal(): string | null {
    if (this.#refusal === undefined) this.#refusal = this.#refusalOfSecret();
    return this.#refusal;
  }

  /**
   * For HS256, HS384 or HS512.
   *
   * @throws KeyturnError for a secret that is refused.
   */
  hmac(alg: string): HmacFunctions {
    const known = this.#hmac.get(alg);
    if (known !== undefined) return known;
    const key = translated(() => native.hmacKeyOfAnyLengthHoweverWeak(alg, this.object.export()));
    const functions = { sign: native.createCompactSigner(key), open: native.createCompactVerifier(key) };
    this.#hmac.set(alg, functions);
    return functions;
  }

  #refusalOfSecret(): string | null {
    try {
      // What makes a secret none has nothing to do with the hash; looking for it is costly, and this key is kept.
      this.hmac('HS256');
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  }
}
