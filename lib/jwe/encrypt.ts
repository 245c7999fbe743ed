import { KeyturnError } from '../errors.js';
import { checkedName, CONTENT_ENCRYPTIONS, type ContentEncryption } from '../keys/encryption.js';
import { type EncryptionKey, nativeEncryptionKeyOf } from '../keys/key.js';
import { native } from '../native.js';
import { fromNumber } from '../native-error.js';
import { checkOptions } from '../options/checks.js';
import { isWellFormed } from '../options/strings.js';

export interface EncryptOptions {
  /** What encrypts the plaintext. Default the one of a `dir` key, and `'A256GCM'` for the others. */
  readonly enc?: ContentEncryption | undefined;
  /** Further protected header parameters, such as `typ`, `cty`, and for ECDH-ES `apu` and `apv` in base64url. */
  readonly header?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * A compact JWE (RFC 7516) for the holder of the key; a private key encrypts with its public half. The whole header is
 * authenticated but readable by everybody; nothing is compressed.
 *
 * @param plaintext At most 128 KiB; text is taken as UTF-8.
 * @throws KeyturnError `ERR_OPTION_INVALID`, or `ERR_KEY_INVALID` for a key whose `key_ops` leave encryption out.
 */
export function encryptJwe(plaintext: string | Uint8Array, key: EncryptionKey, options: Readonly<EncryptOptions> = {}): string {
  checkOptions(options, 'encryptJwe()', ['enc', 'header']);
  const enc = options.enc === undefined ? undefined : checkedName(options.enc, 'enc', CONTENT_ENCRYPTIONS);
  const sealed = native.encryptJwe(bytesOf(plaintext), encryptionKey(key), enc, options.header === undefined ? undefined : headerText(options.header));
  if (typeof sealed === 'string') return sealed;
  throw fromNumber(sealed);
}

/** The addon's handle of the key. */
export function encryptionKey(key: unknown): NonNullable<ReturnType<typeof nativeEncryptionKeyOf>> {
  const handle = nativeEncryptionKeyOf(key);
  if (handle !== undefined) return handle;
  throw new KeyturnError('ERR_OPTION_INVALID', "key must be a Key from importKey() or generateKey(), for instance generateKey('A256KW')", {
    claim: 'key',
  });
}

function bytesOf(plaintext: unknown): Buffer {
  if (typeof plaintext === 'string' && isWellFormed(plaintext)) return Buffer.from(plaintext, 'utf8');
  // A copy, which nobody changes meanwhile; of a view whose buffer was taken away nothing is left.
  if (plaintext instanceof Uint8Array) return Buffer.from(plaintext);
  throw new KeyturnError('ERR_OPTION_INVALID', 'plaintext must be bytes, or a string of whole characters', { claim: 'plaintext' });
}

function headerText(header: unknown): string {
  const invalid = (cause?: unknown): KeyturnError =>
    new KeyturnError('ERR_OPTION_INVALID', 'header must be an object of plain data', { claim: 'header', cause });
  let text: unknown;
  try {
    text = JSON.stringify(header);
  } catch (cause) {
    throw invalid(cause);
  }
  if (typeof text === 'string') return text;
  throw invalid();
}
