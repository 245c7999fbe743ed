import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';

import { KeyturnError } from '../errors.js';

/**
 * Asymmetric key material in any text or byte form as one object, which node:crypto reads: PEM and DER of PKCS#8 (encrypted
 * or not), SPKI, PKCS#1, SEC1, and X.509 certificates, of which nothing but the key is looked at.
 *
 * @throws KeyturnError `ERR_KEY_INVALID`; its cause is what node:crypto said first.
 */
export function parseKeyObject(material: string | Uint8Array, passphrase: string | undefined): KeyObject {
  if (material.length > MAX_LENGTH) throw new KeyturnError('ERR_KEY_INVALID', 'a key takes at most 64 KiB');
  const bytes = Buffer.from(material);
  const secret = passphrase === undefined ? {} : { passphrase };
  const pem = bytes.includes('-----BEGIN');
  let cause: unknown;
  for (const attempt of pem ? pemForms(bytes, secret) : derForms(bytes, secret)) {
    try {
      return attempt();
    } catch (error) {
      // What node:crypto says of the private form is what a person with an encrypted key needs to read.
      cause ??= error;
    }
  }
  const hint = pem
    ? 'the PEM cannot be read; an encrypted one needs passphrase'
    : 'these bytes are no key in DER: PKCS#8, which needs passphrase if it is encrypted, SPKI, PKCS#1, SEC1 or a certificate';
  throw new KeyturnError('ERR_KEY_INVALID', hint, { cause });
}

/** A chain of certificates, of which the first is taken, is not longer. */
const MAX_LENGTH = 64 * 1024;

type Secret = Readonly<{ passphrase?: string }>;

function pemForms(key: Buffer, secret: Secret): readonly (() => KeyObject)[] {
  return [() => createPrivateKey({ key, format: 'pem', ...secret }), () => createPublicKey({ key, format: 'pem' })];
}

function derForms(key: Buffer, secret: Secret): readonly (() => KeyObject)[] {
  return [
    () => createPrivateKey({ key, format: 'der', type: 'pkcs8', ...secret }),
    () => createPublicKey({ key, format: 'der', type: 'spki' }),
    () => createPrivateKey({ key, format: 'der', type: 'pkcs1' }),
    () => createPublicKey({ key, format: 'der', type: 'pkcs1' }),
    () => createPrivateKey({ key, format: 'der', type: 'sec1' }),
    () => new X509Certificate(key).publicKey,
  ];
}
