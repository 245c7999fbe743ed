import { KeyturnError } from '../errors.js';
import { inPool } from '../inbox.js';
import { checkedName, CONTENT_ENCRYPTIONS, type ContentEncryption, KEY_MANAGEMENT_ALGORITHMS, type KeyManagementAlgorithm } from '../keys/encryption.js';
import type { EncryptionKey } from '../keys/key.js';
import { native, type NativeEncryptionKey } from '../native.js';
import { fromNumber, translated } from '../native-error.js';
import { checkOptions } from '../options/checks.js';
import { asList } from '../options/list.js';
import { stringList } from '../options/strings.js';
import { encryptionKey } from './encrypt.js';

export interface DecryptOptions {
  /** Narrows what the keys' own algorithms allow. */
  readonly algorithms?: readonly KeyManagementAlgorithm[] | undefined;
  /** Narrows the content encryptions. Default all, for a `dir` key its own. */
  readonly encryptions?: readonly ContentEncryption[] | undefined;
}

/** What a JWE held. */
export interface DecryptedJwe {
  /** The protected header, which the sender wrote and the tag vouches for. */
  readonly header: Readonly<Record<string, unknown>>;
  readonly plaintext: Buffer;
}

/**
 * Opens a compact JWE (RFC 7516) of at most 256 KiB. It says that the holder of the key was meant and, for a symmetric key, that
 * another holder wrote it; with a public key anybody can, so sign first where that matters.
 *
 * It works at once: a private RSA key costs 320 us and more, longer ones some milliseconds. Tokens from strangers are better
 * opened by `createVerifier({ decrypt })`, whose asynchronous face leaves the event loop free.
 *
 * @param key One key, or up to 32 of which a token names one by `kid` or is tried against each of its algorithm: at most 4 with
 * RSA-OAEP or ECDH-ES.
 * @throws KeyturnError `ERR_DECRYPTION_FAILED` for everything that only the key tells, `ERR_TOKEN_MALFORMED`,
 * `ERR_HEADER_UNSUPPORTED` (compression among it), `ERR_ALGORITHM_NOT_ALLOWED`, `ERR_KEY_UNKNOWN`, `ERR_TOKEN_TOO_LARGE`, or
 * `ERR_OPTION_INVALID` and `ERR_KEY_INVALID` for a mistake of the caller.
 */
export function decryptJwe(jwe: string, key: EncryptionKey | readonly EncryptionKey[], options: Readonly<DecryptOptions> = {}): DecryptedJwe {
  return createDecrypter(key, options, 'decryptJwe()').now(jwe);
}

/** The two faces of a decrypter. */
export interface Decrypter {
  now(jwe: string): DecryptedJwe;
  /** The same on the pool, where one of the keys takes long; elsewhere at once. */
  later(jwe: string): Promise<DecryptedJwe>;
}

/** Resolves keys and options once. */
export function createDecrypter(key: unknown, options: Readonly<DecryptOptions>, where: string): Decrypter {
  checkOptions(options, where, ['algorithms', 'encryptions']);
  const algorithms = stringList(options.algorithms, 'algorithms').map((name) => checkedName(name, 'algorithms', KEY_MANAGEMENT_ALGORITHMS));
  const encryptions = stringList(options.encryptions, 'encryptions').map((name) => checkedName(name, 'encryptions', CONTENT_ENCRYPTIONS));
  const keys = encryptionKeys(key);
  const decrypter = translated(() => native.NativeDecrypter.create(keys, algorithms, encryptions));
  const isSlow = decrypter.isSlow();
  const now = (jwe: string): DecryptedJwe => {
    checkText(jwe);
    const opened = decrypter.decrypt(jwe);
    if (typeof opened === 'number') throw fromNumber(opened);
    return { header: parsed(opened.header), plaintext: opened.plaintext };
  };
  return {
    now,
    later: async (jwe) => {
      if (!isSlow) return now(jwe);
      checkText(jwe);
      const plaintext = await inPool((inbox, ticket) => decrypter.decryptInPool(inbox, ticket, jwe));
      if (typeof plaintext === 'number') throw fromNumber(plaintext);
      // What was opened is canonical base64url and JSON.
      const header = Buffer.from(jwe.slice(0, jwe.indexOf('.')), 'base64url').toString();
      return { header: parsed(header), plaintext: Buffer.from(plaintext, 'latin1') };
    },
  };
}

function checkText(jwe: unknown): void {
  if (typeof jwe !== 'string') throw new KeyturnError('ERR_TOKEN_MALFORMED', 'The token is not a well-formed compact JWE: it is no string.');
}

function parsed(header: string): Record<string, unknown> {
  return JSON.parse(header) as Record<string, unknown>;
}

function encryptionKeys(key: unknown): NativeEncryptionKey[] {
  return asList(key, 'key').map((one) => encryptionKey(one));
}
