import assert from 'node:assert/strict';
import { createHmac, createPublicKey, createSecretKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, it } from 'node:test';

import { createSigner, createVerifier, generateKey, importKey, type Key, type KeyMaterial, KeyturnError } from 'keyturn';

import { alive, rawToken, segment } from '../support/raw-token.js';
import { CERTIFICATE_FIXTURE, TEST_KEYS, testKey } from '../support/test-keys.js';

const ED = testKey('EdDSA');
const HMAC = testKey('HS256');
const everyVerifier = [ED.key, HMAC.key, [ED.key, HMAC.key]].map((key) => createVerifier({ key }));

describe('J1: a token that is not signed', () => {
  for (const alg of ['none', 'None', 'nOnE', 'NONE', ' none', 'none ', 'none\0', '', 'null', 'HS256none']) {
    it(`is refused with the algorithm ${JSON.stringify(alg)}, whatever stands for a signature`, () => {
      const input = `${segment({ alg })}.${segment(alive())}`;
      for (const tag of ['', 'AA', segment(Buffer.alloc(32)), segment(Buffer.alloc(64))]) {
        for (const verify of everyVerifier) assert.throws(() => verify(`${input}.${tag}`), { code: 'ERR_ALGORITHM_NOT_ALLOWED' });
      }
      for (const { raw } of TEST_KEYS) {
        for (const verify of everyVerifier) assert.throws(() => verify(rawToken({ alg }, alive(), raw)), { code: 'ERR_ALGORITHM_NOT_ALLOWED' });
      }
    });
  }

  it('is refused with the right algorithm and an empty signature', () => {
    for (const { alg, key } of TEST_KEYS) {
      assert.throws(() => createVerifier({ key })(`${segment({ alg })}.${segment(alive())}.`), { code: 'ERR_SIGNATURE_INVALID' });
    }
  });

  it('cannot be asked for', () => {
    for (const alg of ['none', 'None', '']) {
      assert.throws(() => generateKey(alg as Key['alg']), { code: 'ERR_OPTION_INVALID' });
      assert.throws(() => importKey({ secret: Buffer.alloc(32, 1) }, { alg: alg as Key['alg'] }), { code: 'ERR_OPTION_INVALID' });
      assert.throws(() => createVerifier({ key: HMAC.key, algorithms: [alg as Key['alg']] }), { code: 'ERR_OPTION_INVALID' });
    }
  });
});

describe('J2: a key that is missing or empty', () => {
  const nothings: readonly unknown[] = [undefined, null, '', false, 0, NaN, Buffer.alloc(0), new Uint8Array(), {}, () => '', () => undefined, Promise.resolve('')];

  it('stops the signer and the verifier from being made, also beside a good key and with a list of algorithms', () => {
    for (const nothing of nothings) {
      const key = nothing as Key;
      assert.throws(() => createSigner({ key }), { code: 'ERR_OPTION_INVALID', claim: 'key' });
      for (const value of [key, [key], [HMAC.key, key]]) {
        assert.throws(() => createVerifier({ key: value }), { code: 'ERR_OPTION_INVALID', claim: 'key' });
        assert.throws(() => createVerifier({ key: value, algorithms: ['HS256'] }), { code: 'ERR_OPTION_INVALID', claim: 'key' });
      }
    }
    assert.throws(() => createVerifier({ key: [] }), { code: 'ERR_KEY_INVALID' });
  });

  it('is no material', () => {
    for (const nothing of nothings) {
      for (const alg of ['HS256', 'EdDSA'] as const) assert.throws(() => importKey(nothing as KeyMaterial, { alg }), { code: 'ERR_KEY_INVALID' });
      assert.throws(() => importKey({ secret: nothing as string }, { alg: 'HS256' }), (error: unknown) => error instanceof KeyturnError && /^ERR_KEY_/.test(error.code));
    }
  });
});

/**
 * The 19 forms of one public key (and of no key at all) that libraries have taken for an HMAC secret. PKCS#1 is RSA's alone;
 * the certificate stands in its place for Ed25519.
 */
function formsOf(key: KeyObject, second: string): readonly (readonly [form: string, text: string | Buffer])[] {
  const pem = key.export({ format: 'pem', type: 'spki' }).toString();
  const der = key.export({ format: 'der', type: 'spki' });
  const body = pem.split('\n').slice(1, -2);
  const jwk = JSON.stringify(key.export({ format: 'jwk' }));
  return [
    ['SPKI PEM', pem],
    ['a second PEM form', second],
    ['a leading line end', `\n${pem}`],
    ['a leading byte order mark', `\ufeff${pem}`],
    ['a leading comment', `# public key of the API\n${pem}`],
    ['Windows line ends', pem.replaceAll('\n', '\r\n')],
    ['no last line end', pem.trimEnd()],
    ['PEM as bytes', Buffer.from(pem)],
    ['a leading space', ` ${pem}`],
    ['a leading zero-width space', `\u200b${pem}`],
    ['JWK JSON', jwk],
    ['JWKS JSON', `{"keys":[${jwk}]}`],
    ['a JSON array of JWK', `[${jwk}]`],
    ['DER as bytes', der],
    ['DER in base64', der.toString('base64')],
    ['the base64 body alone', body.join('\n')],
    ['a lower-case header', pem.replace('BEGIN', 'begin').replace('END', 'end')],
    ['an empty string', ''],
    ['empty bytes', Buffer.alloc(0)],
  ];
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
const PUBLIC_KEYS: readonly (readonly [name: string, forms: ReturnType<typeof formsOf>])[] = [
  ['an Ed25519 public key', formsOf(createPublicKey(ED.raw), CERTIFICATE_FIXTURE)],
  ['an RSA public key', formsOf(rsa, rsa.export({ format: 'pem', type: 'pkcs1' }).toString())],
];

/** A token whose tag is the HMAC with exactly these bytes for a secret, as the attacker makes it. */
function forged(secret: string | Buffer): string {
  const input = `${segment({ alg: 'HS256', typ: 'JWT' })}.${segment(alive({ sub: 'admin' }))}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

for (const [name, forms] of PUBLIC_KEYS) {
  describe(`J3, J4, J5: ${name} is never an HMAC secret`, () => {
    it('in 19 forms', () => assert.equal(forms.length, 19));

    for (const [form, text] of forms) {
      it(`as ${form}`, () => {
        const token = forged(text);
        // Said to be a secret, or not said to be anything: it is no key.
        for (const material of [{ secret: text }, text] as const) {
          assert.throws(() => importKey(material, { alg: 'HS256' }), (error: unknown) => error instanceof KeyturnError && /^ERR_KEY_(INVALID|TOO_WEAK)$/.test(error.code));
        }
        // Where it is a public key, it is one for its own algorithm, and the forged token does not get as far as a signature.
        assert.throws(() => createVerifier({ key: importKey(text, { alg: 'EdDSA' }) })(token), (error: unknown) =>
          error instanceof KeyturnError && (error.code === 'ERR_ALGORITHM_NOT_ALLOWED' || error.code === 'ERR_KEY_INVALID'));
        for (const verify of everyVerifier) assert.throws(() => verify(token), { name: 'KeyturnError' });
      });
    }
  });
}

describe('J4: a public key behind a wrapper', () => {
  const pem = createPublicKey(ED.raw).export({ format: 'pem', type: 'spki' }).toString();
  const wrappers: readonly string[] = [
    `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n${pem}`,
    `HTTP/1.1 200 OK\r\nContent-Type: application/x-pem-file\r\n\r\n${pem}`,
    `\0${pem}`, `\u00a0${pem}`, `\u2060${pem}`, `\f\v\t${pem}`, `${'x'.repeat(2000)}${pem}`, `"${pem}"`, JSON.stringify(pem), encodeURIComponent(pem),
    `${pem}${pem}`, pem.replace('PUBLIC', 'TRUSTED PUBLIC'), pem.toUpperCase(), pem.toLowerCase(),
  ];
  for (const text of wrappers) {
    it(`is no HMAC secret: ${JSON.stringify(text.slice(0, 30))}`, () => {
      assert.throws(() => importKey({ secret: text }, { alg: 'HS256' }), { code: 'ERR_KEY_INVALID', message: /asymmetric key/ });
      assert.throws(() => importKey({ secret: Buffer.from(text) }, { alg: 'HS256' }), { code: 'ERR_KEY_INVALID', message: /asymmetric key/ });
    });
  }
});

describe('J5: an asymmetric key in another dress', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const der = publicKey.export({ format: 'der', type: 'spki' });
  const jwk = JSON.stringify(publicKey.export({ format: 'jwk' }));

  it('is no HMAC secret: base64url, broken lines, base64 of PEM and of a JWK, an OpenSSH line, private keys', () => {
    const texts: readonly (string | Buffer)[] = [
      der.toString('base64url'), (der.toString('base64').match(/.{1,20}/g) ?? []).join('\r\n'), Buffer.from(jwk).toString('base64'),
      Buffer.from(publicKey.export({ format: 'pem', type: 'spki' })).toString('base64'), 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample me@host',
      JSON.stringify(JSON.parse(jwk), null, 2), jwk.replaceAll(':', ' : '), privateKey.export({ format: 'der', type: 'sec1' }),
      privateKey.export({ format: 'der', type: 'pkcs8' }), privateKey.export({ format: 'pem', type: 'sec1' }), JSON.stringify(privateKey.export({ format: 'jwk' })),
    ];
    for (const secret of texts) assert.throws(() => importKey({ secret }, { alg: 'HS256' }), { code: 'ERR_KEY_INVALID', message: /asymmetric key/ });
    for (const secret of texts) {
      const material = createSecretKey(Buffer.from(secret));
      assert.throws(() => importKey(material, { alg: 'HS256' }), { code: 'ERR_KEY_INVALID', message: /asymmetric key/ });
      assert.throws(() => importKey({ kty: 'oct', k: segment(Buffer.from(secret)) }, { alg: 'HS256' }), { code: 'ERR_KEY_INVALID', message: /asymmetric key/ });
    }
  });

  it('is no HMAC secret: DER with a byte to spare, hex, UTF-16, base64 behind a mark or in quotes, an escaped kty', () => {
    const base64 = der.toString('base64');
    const texts: Readonly<Record<string, string | Buffer>> = {
      'DER and a line end': Buffer.concat([der, Buffer.from('\n')]),
      'DER and a NUL': Buffer.concat([der, Buffer.alloc(1)]),
      'hex': der.toString('hex'),
      'PEM in UTF-16': Buffer.from(publicKey.export({ format: 'pem', type: 'spki' }).toString(), 'utf16le'),
      'base64 behind a byte order mark': `\ufeff${base64}`,
      'base64 behind a zero-width space': `\u200b${base64}`,
      'base64 behind a comment': `# public key\n${base64}`,
      'base64 in quotes': `"${base64}"`,
      'base64 in front of an END line': `${base64}\n-----END PUBLIC KEY-----\n`,
      'base64 of base64': Buffer.from(base64).toString('base64'),
      'a JWK with an escape': jwk.replace('"kty"', '"\\u006bty"'),
    };
    const taken = Object.entries(texts).filter(([, secret]) => {
      try {
        return importKey({ secret }, { alg: 'HS256' }).alg === 'HS256';
      } catch {
        return false;
      }
    });
    assert.deepEqual(taken.map(([dress]) => dress), []);
  });

  it('is not suspected in secrets that are what they should be', () => {
    for (let round = 0; round < 300; round += 1) {
      const secret = testKey('HS256').raw.export();
      for (const form of [secret, secret.toString('hex'), secret.toString('base64'), secret.toString('base64url')]) importKey({ secret: form }, { alg: 'HS256' });
    }
    for (const secret of ['correct horse battery staple, and then some', '{"secret":"a JSON text that is no key"}', 'MII is how DER in base64 often begins, but here', '0'.repeat(64)]) {
      importKey({ secret }, { alg: 'HS256' });
    }
  });
});

describe('J6: one key, one algorithm', () => {
  it('a token of one algorithm is refused under a key for the other, though its signature is good', () => {
    for (const own of TEST_KEYS) {
      for (const other of TEST_KEYS.filter((one) => one !== own)) {
        const token = rawToken({ alg: other.alg }, alive(), other.raw);
        createVerifier({ key: other.key })(token);
        assert.throws(() => createVerifier({ key: own.key })(token), { code: 'ERR_ALGORITHM_NOT_ALLOWED' });
        assert.throws(() => createVerifier({ key: own.key })(rawToken({ alg: own.alg }, alive(), other.raw)), { code: 'ERR_SIGNATURE_INVALID' });
        assert.throws(() => createVerifier({ key: own.key })(rawToken({ alg: other.alg }, alive(), own.raw)), { code: 'ERR_ALGORITHM_NOT_ALLOWED' });
      }
    }
  });

  it('a key of another curve or family is no EdDSA key', () => {
    const others = [
      generateKeyPairSync('ed448'), generateKeyPairSync('x25519'), generateKeyPairSync('x448'), generateKeyPairSync('ec', { namedCurve: 'P-256' }),
      generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ];
    for (const { privateKey, publicKey } of others) {
      for (const key of [privateKey, publicKey]) assert.throws(() => importKey(key, { alg: 'EdDSA' }), { code: 'ERR_KEY_INVALID' });
    }
  });

  it('an algorithm that a header alone knows is refused', () => {
    const names = ['HS384', 'HS512', 'RS256', 'PS256', 'ES256', 'ES512', 'Ed448', 'hs256', 'eddsa', 'EDDSA', 'HS256 ', 'HMAC-SHA256', 'dir', 'A256GCM', '__proto__', 'constructor'];
    for (const alg of names) {
      for (const { key, raw } of TEST_KEYS.filter((one) => one.alg !== alg)) assert.throws(() => createVerifier({ key })(rawToken({ alg }, alive(), raw)), { code: 'ERR_ALGORITHM_NOT_ALLOWED' });
    }
  });
});

describe('J24: a weak secret', () => {
  it('is no key: shorter than the hash, or empty', () => {
    for (const secret of ['', 'secret', 'password', 'x'.repeat(31), Buffer.alloc(0), Buffer.alloc(31, 7)]) {
      assert.throws(() => importKey({ secret }, { alg: 'HS256' }), { code: 'ERR_KEY_TOO_WEAK' });
      assert.throws(() => importKey({ kty: 'oct', k: segment(Buffer.from(secret)) }, { alg: 'HS256' }), { code: 'ERR_KEY_TOO_WEAK' });
    }
    assert.throws(() => importKey(createSecretKey(Buffer.alloc(31, 7)), { alg: 'HS256' }), { code: 'ERR_KEY_TOO_WEAK' });
  });
});

describe('J25: a bad Ed25519 public key', () => {
  it('is refused where its form is wrong', () => {
    for (const x of ['', 'AA', segment(Buffer.alloc(31)), segment(Buffer.alloc(33)), segment(Buffer.alloc(64))]) {
      assert.throws(() => importKey({ kty: 'OKP', crv: 'Ed25519', x }, { alg: 'EdDSA' }), { code: 'ERR_KEY_INVALID' });
    }
  });

  it('is refused where it is a point of small order, under which anybody can sign', () => {
    const points = ['00'.repeat(32), `01${'00'.repeat(31)}`, `ec${'ff'.repeat(30)}7f`, '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'];
    // The signature that the neutral element accepts for every message.
    const signature = Buffer.concat([Buffer.from([1]), Buffer.alloc(63)]);
    const token = `${segment({ alg: 'EdDSA' })}.${segment(alive({ sub: 'admin' }))}.${segment(signature)}`;
    for (const point of points) {
      const jwk = { kty: 'OKP', crv: 'Ed25519', x: segment(Buffer.from(point, 'hex')) };
      assert.throws(() => createVerifier({ key: importKey(jwk, { alg: 'EdDSA' }) })(token), { code: 'ERR_KEY_INVALID' }, point);
    }
  });
});

describe('J31: something that only behaves like a key or a token', () => {
  it('is not asked for its text', () => {
    const touched: string[] = [];
    const hostile = new Proxy(
      { toString: () => 'touched', valueOf: () => 'touched', [Symbol.toPrimitive]: () => 'touched', toJSON: () => 'touched' },
      { get: (target, name) => (touched.push(String(name)), Reflect.get(target, name) as unknown) },
    );
    assert.throws(() => createVerifier({ key: hostile as unknown as Key }), { code: 'ERR_OPTION_INVALID' });
    assert.throws(() => createSigner({ key: hostile as unknown as Key }), { code: 'ERR_OPTION_INVALID' });
    assert.throws(() => importKey({ secret: hostile as unknown as string }, { alg: 'HS256' }), { code: 'ERR_KEY_INVALID' });
    assert.throws(() => importKey(hostile as unknown as KeyMaterial, { alg: 'HS256' }), { code: 'ERR_KEY_INVALID' });
    for (const verify of everyVerifier) assert.throws(() => verify(hostile as unknown as string), { code: 'ERR_TOKEN_MALFORMED' });
    assert.deepEqual(touched, []);
  });
});

describe('J32: what is verified is what is read', () => {
  it('claims come out of the very bytes that were signed', () => {
    for (const { key, raw, alg } of TEST_KEYS) {
      const payload = '{ "exp" : 99999999999 , "sub" : "\\u0061lice" , "n" : 1.50 }';
      const claims = createVerifier({ key })(rawToken({ alg }, payload, raw));
      assert.deepEqual(claims, JSON.parse(payload));
    }
  });

  it('a signature over another token with the same claims is refused', () => {
    const claims = alive({ sub: 'alice' });
    const [spaced, tight] = [JSON.stringify(claims, null, 1), JSON.stringify(claims)].map((text) => `${segment({ alg: 'EdDSA' })}.${segment(text)}`);
    const signature = sign(null, Buffer.from(spaced ?? ''), ED.raw).toString('base64url');
    createVerifier({ key: ED.key })(`${spaced}.${signature}`);
    assert.throws(() => createVerifier({ key: ED.key })(`${tight}.${signature}`), { code: 'ERR_SIGNATURE_INVALID' });
  });
});
