import { createPrivateKey, createSecretKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';

import { type Algorithm, importKey, type Key } from 'keyturn';

import { boundTo } from './raw-token.js';

/** One key as keyturn holds it and as node:crypto does, so that a test can sign with it what keyturn would not. */
export interface TestKey {
  readonly alg: Algorithm;
  readonly key: Key;
  /** The secret or the private key. */
  readonly raw: KeyObject;
}

const CURVES: Readonly<Partial<Record<Algorithm, string>>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };

/** A new random key. */
export function testKey(alg: Algorithm, kid?: string): TestKey {
  const raw = boundTo(alg, newKeyObject(alg));
  return { alg, key: importKey(raw, { alg, kid }), raw };
}

/** A key for each kind of algorithm, new in each process. The first two cost the least. */
export const TEST_KEYS: readonly TestKey[] = (['HS256', 'EdDSA', 'ES256', 'RS256', 'PS256', 'HS512', 'ES512'] as const).map((alg) => testKey(alg));

function newKeyObject(alg: Algorithm): KeyObject {
  const namedCurve = CURVES[alg];
  if (namedCurve !== undefined) return generateKeyPairSync('ec', { namedCurve }).privateKey;
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519').privateKey;
  if (alg.startsWith('HS')) return createSecretKey(randomBytes(Number(alg.slice(2)) / 8));
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
}

/** RFC 8037, appendix A.1: published, and so worth nothing as a key. */
export const RFC_8037_PRIVATE = {
  kty: 'OKP',
  crv: 'Ed25519',
  d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
  x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
} as const;

/** RFC 8037, appendix A.2. */
export const RFC_8037_PUBLIC = { kty: 'OKP', crv: 'Ed25519', x: RFC_8037_PRIVATE.x } as const;

/** RFC 8037, appendix A.3. */
export const RFC_8037_THUMBPRINT = 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k';

/** The private key of RFC 8037 for node:crypto. */
export const RFC_8037_KEY_OBJECT = createPrivateKey({ key: { ...RFC_8037_PRIVATE }, format: 'jwk' });

/**
 * A test fixture: a self-signed certificate over an Ed25519 key (`openssl req -x509`), whose private half was thrown away.
 * Its subject says the same.
 */
export const CERTIFICATE_FIXTURE = `-----BEGIN CERTIFICATE-----
MIIBeTCCASugAwIBAgIUDQbyzY+GCNsstY5Qf4qUPj4YtLYwBQYDK2VwMDExLzAt
BgNVBAMMJmtleXR1cm4gdGVzdCBmaXh0dXJlLCB0cnVzdCBpdCBub3doZXJlMCAX
DTI2MTEyMjEwMDQxN1oYDzIxMjYxMDI5MTAwNDE3WjAxMS8wLQYDVQQDDCZrZXl0
dXJuIHRlc3QgZml4dHVyZSwgdHJ1c3QgaXQgbm93aGVyZTAqMAUGAytlcAMhAIfP
QfUz7643zmOffQJ7YKcuYCo2lxSv06DeS8+NA5rho1MwUTAdBgNVHQ4EFgQUstDV
Bop96S+RawHTN0uN/Z74mO0wHwYDVR0jBBgwFoAUstDVBop96S+RawHTN0uN/Z74
mO0wDwYDVR0TAQH/BAUwAwEB/zAFBgMrZXADQQCrbJFL1uf1I7dEer2jQpK2b+CE
Rm0f5RLNokIfELcwrL0FbVoKC0aIN7TIUdNCbCdPX7qd9n1NTnzBoDB6Fs0C
-----END CERTIFICATE-----
`;

/** `x` of the certificate's key, in hex. */
export const CERTIFICATE_PUBLIC_KEY = '87cf41f533efae37ce639f7d027b60a72e602a369714afd3a0de4bcf8d039ae1';
