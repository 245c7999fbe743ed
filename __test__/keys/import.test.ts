import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, createSecretKey, generateKeyPairSync, type KeyObject, webcrypto } from 'node:crypto';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';

import { KeyturnError } from '../../dist/errors.js';
import { importKey, type ImportKeyOptions, type KeyMaterial } from '../../dist/keys/import.js';
import type { Algorithm } from '../../dist/keys/key.js';
import { createSigner } from '../../dist/tokens/signer.js';
import { createVerifier } from '../../dist/tokens/verifier.js';
import { CERTIFICATE_FIXTURE, CERTIFICATE_PUBLIC_KEY, RFC_8037_KEY_OBJECT, RFC_8037_PRIVATE, RFC_8037_PUBLIC, RFC_8037_THUMBPRINT } from '../support/test-keys.js';

const PRIVATE = RFC_8037_KEY_OBJECT;
const PUBLIC = createPublicKey(PRIVATE);
const SECRET = 'a secret of exactly 32 bytes, ok';
const ENCRYPTED = { type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'open sesame' } as const;

const pem = (key: KeyObject): string => key.export({ format: 'pem', type: key.type === 'private' ? 'pkcs8' : 'spki' }).toString();
const der = (key: KeyObject): Buffer => key.export({ format: 'der', type: key.type === 'private' ? 'pkcs8' : 'spki' });
const importWrong = (material: unknown, options: object) => importKey(material as KeyMaterial, options as ImportKeyOptions);

describe('importKey for EdDSA', () => {
  const forms: readonly (readonly [form: string, material: KeyMaterial, canSign: boolean, passphrase?: string])[] = [
    ['a private KeyObject', PRIVATE, true],
    ['a public KeyObject', PUBLIC, false],
    ['private PEM', pem(PRIVATE), true],
    ['public PEM', pem(PUBLIC), false],
    ['PEM as bytes', Buffer.from(pem(PRIVATE)), true],
    ['PEM with Windows line ends', pem(PRIVATE).replaceAll('\n', '\r\n'), true],
    ['PEM without its last line end', pem(PUBLIC).trim(), false],
    ['PEM behind a comment', `# the key of the test\n${pem(PRIVATE)}`, true],
    ['PEM behind a byte order mark', `\ufeff${pem(PUBLIC)}`, false],
    ['private DER', der(PRIVATE), true],
    ['public DER', der(PUBLIC), false],
    ['DER in a Uint8Array over a part of its buffer', new Uint8Array(Buffer.concat([Buffer.alloc(7), der(PRIVATE)])).subarray(7), true],
    ['a private JWK', RFC_8037_PRIVATE, true],
    ['a public JWK', RFC_8037_PUBLIC, false],
    ['a JWK with members that nobody knows', { ...RFC_8037_PUBLIC, x5t: 'a', extra: { deep: [1] } }, false],
    ['a JWK made for this', { ...RFC_8037_PUBLIC, alg: 'EdDSA', use: 'sig', key_ops: ['verify'] }, false],
    ['a private JWK made for this', { ...RFC_8037_PRIVATE, key_ops: ['sign', 'verify'] }, true],
    ['encrypted PEM with its passphrase', PRIVATE.export({ ...ENCRYPTED, format: 'pem' }), true, 'open sesame'],
    ['encrypted DER with its passphrase', PRIVATE.export({ ...ENCRYPTED, format: 'der' }), true, 'open sesame'],
    ['PEM that needs no passphrase, with one', pem(PRIVATE), true, 'open sesame'],
    ['public PEM with a passphrase', pem(PUBLIC), false, 'open sesame'],
  ];
  for (const [form, material, canSign, passphrase] of forms) {
    it(`takes ${form}`, () => {
      const key = importKey(material, { alg: 'EdDSA', passphrase });
      assert.equal(key.thumbprint(), RFC_8037_THUMBPRINT);
      assert.deepEqual([key.alg, key.canSign], ['EdDSA', canSign]);
    });
  }

  it('takes the public key of an X.509 certificate, and checks nothing else of it', () => {
    const x = Buffer.from(CERTIFICATE_PUBLIC_KEY, 'hex').toString('base64url');
    const der = Buffer.from(CERTIFICATE_FIXTURE.split('\n').slice(1, -2).join(''), 'base64');
    for (const certificate of [CERTIFICATE_FIXTURE, Buffer.from(CERTIFICATE_FIXTURE), der]) {
      const key = importKey(certificate, { alg: 'EdDSA' });
      assert.deepEqual([key.publicJwk()['x'], key.canSign], [x, false]);
    }
  });

  it('makes keys that understand each other from every form', () => {
    const token = createSigner({ key: importKey(pem(PRIVATE), { alg: 'EdDSA' }) })({ sub: 'alice' });
    for (const [, material, , passphrase] of forms) {
      assert.equal(createVerifier({ key: importKey(material, { alg: 'EdDSA', passphrase }) })(token).sub, 'alice');
    }
  });

  const refused: readonly (readonly [what: string, material: unknown, message?: RegExp])[] = [
    ['encrypted PEM without a passphrase', PRIVATE.export({ ...ENCRYPTED, format: 'pem' }), /an encrypted one needs passphrase/],
    ['encrypted DER without a passphrase', PRIVATE.export({ ...ENCRYPTED, format: 'der' }), /needs passphrase if it is encrypted/],
    ['PEM cut short', pem(PRIVATE).slice(0, 60), /PEM cannot be read/],
    ['PEM of nothing', '-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n'],
    ['DER cut short', der(PRIVATE).subarray(0, 40), /no key in DER: PKCS#8.* SPKI/],
    ['more than a key', Buffer.alloc(65_537, '-----BEGIN '), /at most 64 KiB/],
    ['text', 'hello'],
    ['an empty string', ''],
    ['empty bytes', new Uint8Array()],
    ['the 32 bytes of a public key', Buffer.from(RFC_8037_PUBLIC.x, 'base64url')],
    ['an RSA key', generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey, /not an Ed25519 key/],
    ['a P-256 key', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, /not an Ed25519 key/],
    ['an Ed448 key', generateKeyPairSync('ed448').privateKey, /not an Ed25519 key/],
    ['an X25519 key', generateKeyPairSync('x25519').publicKey, /not an Ed25519 key/],
    ['a secret KeyObject', createSecretKey(Buffer.alloc(32, 1)), /a secret is a key for HS256 to HS512 only/],
    ['{ secret }', { secret: SECRET }, /a secret is a key for HS256 to HS512 only/],
    ['an HMAC JWK', { kty: 'oct', k: Buffer.from(SECRET).toString('base64url') }],
    ['a JWK set', { keys: [RFC_8037_PUBLIC] }, /a key is PEM, DER, a JWK, a KeyObject, or \{ secret \}/],
    ['the JSON text of a JWK', JSON.stringify(RFC_8037_PUBLIC)],
    ['{ key, passphrase } as node:crypto has it', { key: pem(PRIVATE), passphrase: 'a' }, /a key is PEM, DER, a JWK/],
    ...[undefined, null, true, 7, NaN, 5n, [], {}, () => pem(PRIVATE), Symbol('key'), new ArrayBuffer(44), { toString: () => pem(PRIVATE) }].map(
      (material): [string, unknown, RegExp] => [`${typeof material} ${inspect(material)}`, material, /a key is PEM, DER, a JWK, a KeyObject/],
    ),
  ];
  for (const [what, material, message = /./] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(() => importWrong(material, { alg: 'EdDSA' }), { name: 'KeyturnError', code: 'ERR_KEY_INVALID', message });
    });
  }

  it('refuses a wrong passphrase', () => {
    for (const material of [PRIVATE.export({ ...ENCRYPTED, format: 'pem' }), PRIVATE.export({ ...ENCRYPTED, format: 'der' })]) {
      assert.throws(() => importKey(material, { alg: 'EdDSA', passphrase: 'open barley' }), { code: 'ERR_KEY_INVALID' });
    }
  });

  it('refuses a CryptoKey', async () => {
    const key = await webcrypto.subtle.importKey('jwk', { ...RFC_8037_PUBLIC }, 'Ed25519', true, ['verify']);
    assert.throws(() => importWrong(key, { alg: 'EdDSA' }), { code: 'ERR_KEY_INVALID' });
  });

  const jwks: readonly (readonly [what: string, members: Readonly<Record<string, unknown>>])[] = [
    ['for another algorithm', { alg: 'HS256' }],
    ['with alg in another case', { alg: 'eddsa' }],
    ['for encryption', { use: 'enc' }],
    ['whose key_ops are for encryption', { key_ops: ['encrypt'] }],
    ['whose key_ops are empty', { key_ops: [] }],
    ['whose key_ops are no list', { key_ops: 'verify' }],
    ['of another curve', { crv: 'Ed448' }],
    ['for key agreement', { crv: 'X25519' }],
    ['without a curve', { crv: undefined }],
    ['of another type', { kty: 'EC' }],
    ['whose type is a number', { kty: 7 }],
    ['without x', { x: undefined }],
    ['whose x is empty', { x: '' }],
    ['whose x is too short', { x: RFC_8037_PUBLIC.x.slice(0, -2) }],
    ['whose x is too long', { x: `${RFC_8037_PUBLIC.x}AAAA` }],
    ['whose x is padded', { x: `${RFC_8037_PUBLIC.x}=` }],
    ['whose x is plain base64', { x: RFC_8037_PUBLIC.x.replaceAll('_', '/') }],
    ['whose x has unused bits', { x: `${RFC_8037_PUBLIC.x.slice(0, -1)}p` }],
    ['whose x is a number', { x: 7 }],
    ['whose d belongs to another x', { d: `A${RFC_8037_PRIVATE.d.slice(1)}` }],
    ['whose d is too short', { d: 'AAAA' }],
    ['whose d is null and x wrong', { d: null, x: 'AAAA' }],
    ['whose kid breaks a line', { kid: 'a\nb' }],
    ['whose kid is empty', { kid: '' }],
    ['whose kid is a number', { kid: 7 }],
    ['that is no plain data', { extra: 5n }],
    ['that writes itself as nothing', { toJSON: () => undefined }],
    ['that throws when it is written', { toJSON: () => { throw new Error('no'); } }],
  ];
  for (const [what, members] of jwks) {
    it(`refuses a JWK ${what}`, () => {
      assert.throws(() => importWrong({ ...RFC_8037_PUBLIC, ...members }, { alg: 'EdDSA' }), { name: 'KeyturnError', code: 'ERR_KEY_INVALID' });
    });
  }
});

describe('importKey for HS256', () => {
  it('takes a secret as text, as bytes, as a KeyObject and as a JWK, and they are one key', () => {
    const bytes = Buffer.from(SECRET);
    const forms: readonly KeyMaterial[] = [
      { secret: SECRET }, { secret: bytes }, { secret: new Uint8Array(bytes) }, createSecretKey(bytes), { kty: 'oct', k: bytes.toString('base64url') },
    ];
    const token = createSigner({ key: importKey({ secret: SECRET }, { alg: 'HS256' }) })({ sub: 'alice' });
    for (const material of forms) {
      const key = importKey(material, { alg: 'HS256' });
      assert.equal(createVerifier({ key })(token).sub, 'alice');
      assert.equal(key.canSign, true);
    }
  });

  it('takes text as UTF-8', () => {
    const secret = '\u0141\u{1f600}'.repeat(6);
    const token = createSigner({ key: importKey({ secret }, { alg: 'HS256' }) })({ sub: 'alice' });
    assert.equal(createVerifier({ key: importKey({ secret: Buffer.from(secret, 'utf8') }, { alg: 'HS256' }) })(token).sub, 'alice');
  });

  it('does not see what is done to the bytes afterwards', () => {
    const bytes = Buffer.from(SECRET);
    const key = importKey({ secret: bytes }, { alg: 'HS256' });
    bytes.fill(0);
    const token = createSigner({ key })({ sub: 'alice' });
    assert.equal(createVerifier({ key: importKey({ secret: SECRET }, { alg: 'HS256' }) })(token).sub, 'alice');
  });

  it('refuses a secret below 32 bytes as too weak, and takes 32 to 4096', () => {
    for (const length of [0, 1, 31]) {
      assert.throws(() => importKey({ secret: Buffer.alloc(length, 7) }, { alg: 'HS256' }), { code: 'ERR_KEY_TOO_WEAK', message: /at least 32 bytes/ });
    }
    for (const length of [32, 64, 4096]) assert.equal(importKey({ secret: Buffer.alloc(length, 7) }, { alg: 'HS256' }).alg, 'HS256');
    for (const length of [4097, 10_000_000]) {
      assert.throws(() => importKey({ secret: Buffer.alloc(length, 7) }, { alg: 'HS256' }), { code: 'ERR_KEY_INVALID', message: /at most 4096 bytes/ });
    }
  });

  it('takes nothing for a secret that was not said to be one', () => {
    for (const material of [SECRET, Buffer.from(SECRET), '', pem(PUBLIC)]) {
      assert.throws(() => importKey(material, { alg: 'HS256' }), { code: 'ERR_KEY_INVALID', message: /is given as \{ secret: \.\.\. \}/ });
    }
    for (const material of [PRIVATE, PUBLIC, RFC_8037_PRIVATE, RFC_8037_PUBLIC]) {
      assert.throws(() => importKey(material, { alg: 'HS256' }), { code: 'ERR_KEY_INVALID' });
    }
  });

  it('refuses a secret that is neither text nor bytes', () => {
    const values = [undefined, null, 7, NaN, true, {}, [], [1, 2, 3], new ArrayBuffer(32), new Uint16Array(32), { toString: () => SECRET }, createSecretKey(Buffer.alloc(32))];
    for (const secret of values) {
      assert.throws(() => importWrong({ secret }, { alg: 'HS256' }), { code: 'ERR_KEY_INVALID', message: /secret must be bytes, or a string/ });
    }
  });

  it('refuses halves of surrogate pairs, which all become the same three bytes', () => {
    assert.throws(() => importKey({ secret: '\ud800'.repeat(32) }, { alg: 'HS256' }), { code: 'ERR_KEY_INVALID' });
  });

  it('refuses a JWK whose k is missing, empty, short or not canonical', () => {
    const k = Buffer.from(SECRET).toString('base64url');
    for (const wrong of [undefined, null, 7, `${k}=`, `${k} `, `${k}==`, k.replace('YSBz', 'YSBz\n')]) {
      assert.throws(() => importWrong({ kty: 'oct', k: wrong }, { alg: 'HS256' }), { code: 'ERR_KEY_INVALID' });
    }
    for (const weak of ['', 'AAAA']) assert.throws(() => importKey({ kty: 'oct', k: weak }, { alg: 'HS256' }), { code: 'ERR_KEY_TOO_WEAK' });
  });
});

describe('the options of importKey', () => {
  const material = { secret: SECRET };
  const table: readonly (readonly [options: object, claim: string, message: RegExp])[] = [
    ...[undefined, null, '', 'none', 'NONE', 'hs256', 'HS1', 'RS1', 'ES256K', 'Ed448', 'DIR', 7, NaN, true, [], ['HS256'], {}].map(
      (alg): [object, string, RegExp] => [{ alg }, 'alg', /^alg must be one of EdDSA, .*RS512, or for encryption one of A128GCMKW, .*RSA-OAEP-256$/],
    ),
    ...['', null, 7, NaN, Infinity, true, [], ['k1'], [undefined], {}, '\udc00'].map(
      (kid): [object, string, RegExp] => [{ alg: 'HS256', kid }, 'kid', /^kid must be a string/],
    ),
    ...['enc', 'SIG', ' sig', '', null, 7, [], ['sig']].map((use): [object, string, RegExp] => [{ alg: 'HS256', use }, 'use', /^use must be/]),
    ...['', null, 7, NaN, [], {}, Buffer.from('a')].map(
      (passphrase): [object, string, RegExp] => [{ alg: 'HS256', passphrase }, 'passphrase', /^passphrase must be a string/],
    ),
  ];
  for (const [options, claim, message] of table) {
    it(`refuse ${inspect(options)}`, () => {
      assert.throws(() => importWrong(material, options), { code: 'ERR_OPTION_INVALID', claim, message });
    });
  }

  it('are needed', () => {
    for (const options of [undefined, null, [], 'HS256', 7]) {
      assert.throws(() => importWrong(material, options as unknown as object), {
        code: 'ERR_OPTION_INVALID',
        message: 'importKey() must be an object with alg, kid, use, enc, passphrase',
      });
    }
  });

  it('are all known', () => {
    assert.throws(() => importWrong(material, { alg: 'HS256', pasphrase: 'a' }), {
      code: 'ERR_OPTION_UNKNOWN',
      message: "importKey() has no option 'pasphrase'; did you mean 'passphrase'?",
    });
    assert.throws(() => importWrong(material, { alg: 'HS256', algorithm: 'HS256' }), {
      code: 'ERR_OPTION_UNKNOWN',
      message: /the options are alg, kid, use, enc, passphrase$/,
    });
  });

  it('replace the kid of a JWK, or keep it', () => {
    const jwk = { ...RFC_8037_PUBLIC, kid: 'its own' };
    assert.equal(importKey(jwk, { alg: 'EdDSA' }).kid, 'its own');
    assert.equal(importKey(jwk, { alg: 'EdDSA', kid: undefined }).kid, 'its own');
    assert.equal(importKey(jwk, { alg: 'EdDSA', kid: 'k1', use: 'sig' }).kid, 'k1');
    assert.throws(() => importKey(jwk, { alg: 'EdDSA', kid: 'x'.repeat(257) }), { code: 'ERR_KEY_INVALID' });
  });
});

describe('a failed import', () => {
  it('says nothing of the material, in whatever way the error is printed', () => {
    const secret = 'hunter2-hunter2-hunter2-hunter2-hunter2';
    const encrypted = PRIVATE.export({ ...ENCRYPTED, format: 'pem' });
    const failures: readonly (readonly [material: unknown, alg: Algorithm, passphrase?: string])[] = [
      [secret, 'HS256'],
      [secret, 'EdDSA'],
      [Buffer.from(secret), 'EdDSA'],
      [{ secret }, 'EdDSA'],
      [{ secret: secret.slice(0, 20) }, 'HS256'],
      [{ secret: [secret] }, 'HS256'],
      [{ kty: 'oct', k: secret, alg: secret }, 'HS256'],
      [{ kty: secret, k: secret }, 'HS256'],
      [{ ...RFC_8037_PRIVATE, x: RFC_8037_PRIVATE.d }, 'EdDSA'],
      [`-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`, 'EdDSA'],
      [encrypted, 'EdDSA', secret],
      [createPrivateKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'sec1' })), 'EdDSA'],
    ];
    for (const [material, alg, passphrase] of failures) {
      assert.throws(() => importWrong(material, { alg, passphrase }), (error: unknown) => {
        assert.ok(error instanceof KeyturnError);
        const printed = [error.message, error.stack, inspect(error, { depth: Infinity, showHidden: true }), JSON.stringify(error)].join();
        for (const part of [secret.slice(0, 14), RFC_8037_PRIVATE.d, Buffer.from(secret).toString('base64').slice(0, 16)]) {
          assert.equal(printed.includes(part), false, printed);
        }
        return true;
      });
    }
  });
});
