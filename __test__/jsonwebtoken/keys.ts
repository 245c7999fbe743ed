import { createPublicKey, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';

/** One key pair in every form that either function takes. */
export interface Pair {
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** The algorithms that fit. */
  readonly algs: readonly string[];
}

const RS = ['RS256', 'RS384', 'RS512'];
const PS = ['PS256', 'PS384', 'PS512'];

/** The declarations of Node's types for this one ask for PEM. */
const pss = (options: object): { privateKey: KeyObject; publicKey: KeyObject } =>
  (generateKeyPairSync as unknown as (type: string, options: object) => { privateKey: KeyObject; publicKey: KeyObject })('rsa-pss', { modulusLength: 2048, ...options });

const pair = (name: string, algs: readonly string[], keys: { privateKey: KeyObject; publicKey: KeyObject }): Pair => ({ name, algs, ...keys });

/** One pair of each type; the odd ones fit nothing, or only with a permission. */
export const PAIRS: readonly Pair[] = [
  pair('RSA 2048', [...RS, ...PS], generateKeyPairSync('rsa', { modulusLength: 2048 })),
  pair('RSA 1024', [], generateKeyPairSync('rsa', { modulusLength: 1024 })),
  pair('RSA-PSS', [], pss({})),
  pair('RSA-PSS SHA-256', ['PS256'], pss({ hashAlgorithm: 'sha256', mgf1HashAlgorithm: 'sha256', saltLength: 32 })),
  pair('RSA-PSS SHA-256, mask SHA-1', [], pss({ hashAlgorithm: 'sha256', mgf1HashAlgorithm: 'sha1', saltLength: 16 })),
  pair('RSA-PSS SHA-384, long salt', [], pss({ hashAlgorithm: 'sha384', mgf1HashAlgorithm: 'sha384', saltLength: 64 })),
  pair('P-256', ['ES256'], generateKeyPairSync('ec', { namedCurve: 'P-256' })),
  pair('P-384', ['ES384'], generateKeyPairSync('ec', { namedCurve: 'P-384' })),
  pair('P-521', ['ES512'], generateKeyPairSync('ec', { namedCurve: 'P-521' })),
  pair('secp256k1', [], generateKeyPairSync('ec', { namedCurve: 'secp256k1' })),
  pair('DSA', [], generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 })),
  pair('Ed25519', [], generateKeyPairSync('ed25519')),
  pair('X25519', [], generateKeyPairSync('x25519')),
];

export const ALGS: readonly string[] = ['HS256', 'HS384', 'HS512', ...RS, ...PS, 'ES256', 'ES384', 'ES512', 'none'];

const PASSPHRASE = 'open sesame';

type Form = readonly [form: string, material: unknown];

/** Forms of the private half. */
export function privateForms({ privateKey }: Pair): readonly Form[] {
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  const der = privateKey.export({ format: 'der', type: 'pkcs8' });
  const encrypted = privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: PASSPHRASE }).toString();
  return [
    ['a KeyObject', privateKey],
    ['PEM', pem],
    ['PEM bytes', Buffer.from(pem)],
    ['PEM in a Uint8Array', new Uint8Array(Buffer.from(pem))],
    ['PEM with Windows line ends', pem.replaceAll('\n', '\r\n')],
    ['{ key }', { key: pem }],
    ['{ key, passphrase }', { key: encrypted, passphrase: PASSPHRASE }],
    ['{ key bytes, passphrase }', { key: Buffer.from(encrypted), passphrase: PASSPHRASE }],
    ['{ key, wrong passphrase }', { key: encrypted, passphrase: 'wrong' }],
    ['{ key, passphrase missing }', { key: encrypted }],
    ['encrypted PEM', encrypted],
    ['{ DER }', { key: der, format: 'der', type: 'pkcs8' }],
    ...legacyForms(privateKey),
    ...jwkForms(privateKey),
  ];
}

/** Forms of the public half. */
export function publicForms({ publicKey, privateKey }: Pair): readonly Form[] {
  const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
  const der = publicKey.export({ format: 'der', type: 'spki' });
  return [
    ['a KeyObject', publicKey],
    ['PEM', pem],
    ['PEM bytes', Buffer.from(pem)],
    ['{ key }', { key: pem }],
    ['{ DER }', { key: der, format: 'der', type: 'spki' }],
    ['private PEM', privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()],
    ['a private KeyObject', privateKey],
    ['a KeyObject of the private one', createPublicKey(privateKey)],
    ...(publicKey.asymmetricKeyType === 'rsa' ? [['PKCS#1', publicKey.export({ format: 'pem', type: 'pkcs1' })] as const] : []),
    ...jwkForms(publicKey),
  ];
}

/** Forms of one secret. */
export function secretForms(text: string): readonly Form[] {
  const bytes = Buffer.from(text);
  return [
    ['text', text],
    ['bytes', bytes],
    ['a Uint8Array', new Uint8Array(bytes)],
    ['an ArrayBuffer', new Uint8Array(bytes).buffer],
    ['a DataView', new DataView(new Uint8Array(bytes).buffer)],
    ['a KeyObject', createSecretKey(bytes)],
  ];
}

/** What is no key at all. None of these is an empty secret or an asymmetric key in disguise. */
export const NO_KEYS: readonly unknown[] = [
  undefined, null, 0, false, 1, true, NaN, 5n, Symbol('key'), {}, [], [1, 2], { key: 'text' }, { key: 5 }, { passphrase: 'x' }, new Date(0), /x/,
  { format: 'jwk' }, { key: { kty: 'RSA' }, format: 'jwk' },
];

function legacyForms(key: KeyObject): readonly Form[] {
  if (key.asymmetricKeyType === 'rsa') return [['PKCS#1', key.export({ format: 'pem', type: 'pkcs1' })]];
  if (key.asymmetricKeyType === 'ec') return [['SEC1', key.export({ format: 'pem', type: 'sec1' })]];
  return [];
}

function jwkForms(key: KeyObject): readonly Form[] {
  try {
    return [['{ JWK }', { key: key.export({ format: 'jwk' }), format: 'jwk' }]];
  } catch {
    return [];
  }
}
