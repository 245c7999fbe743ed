import { KeyturnError } from '../errors.js';
import { checkedName, CONTENT_ENCRYPTIONS, type ContentEncryption, KEY_MANAGEMENT_ALGORITHMS, type KeyManagementAlgorithm } from '../keys/encryption.js';
import type { EncryptionKey } from '../keys/key.js';
import { native, type NativeEncryptionKey } from '../native.js';
import { fromNumber, translated } from '../native-error.js';
import { checkOptions } from '../options/checks.js';
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
 * @param key One key, or up to 32 of which a token names one by `kid` or is tried against each of its algorithm.
 * @throws KeyturnError `ERR_DECRYPTION_FAILED` for everything that only the key tells, `ERR_TOKEN_MALFORMED`,
 * `ERR_HEADER_UNSUPPORTED` (compression among it), `ERR_ALGORITHM_NOT_ALLOWED`, `ERR_KEY_UNKNOWN`, `ERR_TOKEN_TOO_LARGE`, or
 * `ERR_OPTION_INVALID` and `ERR_KEY_INVALID` for a mistake of the caller.
 */
export function decryptJwe(jwe: string, key: EncryptionKey | readonly EncryptionKey[], options: Readonly<DecryptOptions> = {}): DecryptedJwe {
  return createDecrypter(key, options, 'decryptJwe()')(jwe);
}

/** Resolves keys and options once. */
export function createDecrypter(key: unknown, options: Readonly<DecryptOptions>, where: string): (jwe: string) => DecryptedJwe {
  checkOptions(options, where, ['algorithms', 'encryptions']);
  const algorithms = stringList(options.algorithms, 'algorithms').map((name) => checkedName(name, 'algorithms', KEY_MANAGEMENT_ALGORITHMS));
  const encryptions = stringList(options.encryptions, 'encryptions').map((name) => checkedName(name, 'encryptions', CONTENT_ENCRYPTIONS));
  const keys = encryptionKeys(key);
  const decrypter = translated(() => native.NativeDecrypter.create(keys, algorithms, encryptions));
  return (jwe) => {
    if (typeof jwe !== 'string') throw new KeyturnError('ERR_TOKEN_MALFORMED', 'The token is not a well-formed compact JWE: it is no string.');
    const opened = decrypter.decrypt(jwe);
    if (typeof opened === 'number') throw fromNumber(opened);
    return { header: JSON.parse(opened.header) as Record<string, unknown>, plaintext: opened.plaintext };
  };
}

function encryptionKeys(key: unknown): NativeEncryptionKey[] {
  // Array.from() makes undefined of a hole, which map() would pass over.
  const list: readonly unknown[] = Array.isArray(key) ? Array.from(key) : [key];
  return list.map((one) => encryptionKey(one));
}
