import { KeyturnError } from '../errors.js';
import { createDecrypter, type DecryptedJwe } from '../jwe/decrypt.js';
import { encryptJwe } from '../jwe/encrypt.js';
import type { ContentEncryption } from '../keys/encryption.js';
import type { EncryptionKey } from '../keys/key.js';
import { checkOptions } from '../options/checks.js';

/** For whom signed tokens are encrypted. */
export interface TokenEncryption {
  /** The recipient's key: the public half is enough. */
  readonly key: EncryptionKey;
  /** What encrypts the token. Default the one of a `dir` key, and `'A256GCM'` for the others. */
  readonly enc?: ContentEncryption | undefined;
}

/** How signed tokens that were encrypted are opened. */
export interface TokenDecryption {
  /** One key or several that decrypt; at most 32, of which a token without a `kid` is tried against 4 with RSA-OAEP or ECDH-ES. */
  readonly key: EncryptionKey | readonly EncryptionKey[];
  /** Narrows the content encryptions. Default all, for a `dir` key its own. */
  readonly encryptions?: readonly ContentEncryption[] | undefined;
}

/** Puts a signed token into a JWE (RFC 7519, section 5.2). */
export function tokenEncrypter(options: Readonly<TokenEncryption>): (token: string) => string {
  checkOptions(options, 'encrypt', ['key', 'enc']);
  const { key } = options;
  const resolved = { enc: options.enc, header: { cty: 'JWT' } };
  // So that a key that cannot encrypt is refused now and not with the first token.
  encryptJwe('', key, resolved);
  return (token) => encryptJwe(token, key, resolved);
}

/**
 * Takes a signed token out of a JWE, and refuses one that is merely signed.
 *
 * @param maxTokenBytes The longest JWE that is looked at.
 */
export function tokenDecrypter(options: Readonly<TokenDecryption>, maxTokenBytes: number): TokenDecrypter {
  checkOptions(options, 'decrypt', ['key', 'encryptions']);
  const decrypt = createDecrypter(options.key, { encryptions: options.encryptions }, 'decrypt');
  const checkLength = (jwe: string): void => {
    if (typeof jwe !== 'string' || jwe.length <= maxTokenBytes) return;
    throw new KeyturnError('ERR_TOKEN_TOO_LARGE', 'The token is longer than maxTokenBytes.');
  };
  return {
    now: (jwe) => {
      checkLength(jwe);
      return tokenIn(decrypt.now(jwe));
    },
    later: async (jwe) => {
      checkLength(jwe);
      return tokenIn(await decrypt.later(jwe));
    },
  };
}

/** The two faces of a verifier. */
interface Faces<T> {
  now(token: string): T;
  later(token: string): Promise<T>;
}

type TokenDecrypter = Faces<string>;

/** The same faces for tokens that have to be opened first. */
export function decryptFirst<T>(decrypt: Readonly<TokenDecrypter>, faces: Readonly<Faces<T>>): Faces<T> {
  return {
    now: (jwe) => faces.now(decrypt.now(jwe)),
    later: async (jwe) => faces.later(await decrypt.later(jwe)),
  };
}

function tokenIn({ header, plaintext }: DecryptedJwe): string {
  if (!isNestedToken(header['cty'])) throw new KeyturnError('ERR_TOKEN_TYPE', 'The JWE does not say that it holds a token: cty.', { reason: 'cty' });
  // One character a byte: what is not ASCII stays that, and is refused by the verifier.
  return plaintext.toString('latin1');
}

/** A media type, compared without case (RFC 7515, section 4.1.10); RFC 7519 asks for it in section 5.2. */
function isNestedToken(cty: unknown): boolean {
  return typeof cty === 'string' && /^(application\/)?jwt$/i.test(cty);
}
