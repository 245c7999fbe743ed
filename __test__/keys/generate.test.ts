import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { generateKey, type GenerateKeyOptions } from '../../dist/keys/generate.js';
import { type Algorithm, ALGORITHMS } from '../../dist/keys/key.js';
import { createSigner } from '../../dist/tokens/signer.js';
import { createVerifier } from '../../dist/tokens/verifier.js';

describe('generateKey', () => {
  for (const alg of ALGORITHMS) {
    it(`makes a new ${alg} key each time, which signs what it verifies`, () => {
      const options = /^[PR]S/.test(alg) ? { modulusLength: 2048 } : {};
      const [one, other] = [generateKey(alg, options), generateKey(alg, options)];
      const token = createSigner({ key: one })({ sub: 'alice' });
      assert.equal(createVerifier({ key: one })(token).sub, 'alice');
      assert.throws(() => createVerifier({ key: other })(token), { code: 'ERR_SIGNATURE_INVALID' });
      assert.deepEqual([one.alg, one.kid, one.canSign], [alg, undefined, true]);
    });
  }

  it('gives the key the name that was asked for', () => {
    for (const kid of ['k1', '../../etc/passwd', '__proto__', '\u0141', 'x'.repeat(256)]) {
      assert.equal(generateKey('HS256', { kid }).kid, kid);
    }
    assert.equal(generateKey('EdDSA', { kid: undefined }).kid, undefined);
  });

  const wrongAlgorithms: readonly unknown[] = [
    undefined, null, '', 'none', 'None', 'hs256', 'HS256 ', 'RS1', 'ES256K', 'EdDSA\0', 'Ed448', 7, NaN, [], ['HS256'], {},
    { toString: () => 'HS256' }, new String('HS256'),
  ];
  for (const alg of wrongAlgorithms) {
    it(`refuses the algorithm ${typeof alg} ${JSON.stringify(alg)} and names the ones there are`, () => {
      assert.throws(() => generateKey(alg as Algorithm), {
        code: 'ERR_OPTION_INVALID',
        claim: 'alg',
        message: new RegExp(`^alg must be one of ${ALGORITHMS.join(', ')}, or for encryption one of A128GCMKW, `),
      });
    });
  }

  it('makes RSA keys of the length that was asked for, and of 3072 bits otherwise', () => {
    for (const [modulusLength, bytes] of [[2048, 256], [4096, 512], [undefined, 384]] as const) {
      const { n } = generateKey('RS256', { modulusLength }).publicJwk();
      assert.equal(Buffer.from(String(n), 'base64url').length, bytes);
    }
    for (const modulusLength of [0, 1024, 2047, 8192, '2048', NaN, null]) {
      assert.throws(() => generateKey('PS256', { modulusLength } as GenerateKeyOptions), { code: 'ERR_OPTION_INVALID', claim: 'modulusLength' });
    }
    for (const alg of ['HS256', 'ES256', 'EdDSA'] as const) {
      assert.throws(() => generateKey(alg, { modulusLength: 2048 }), { code: 'ERR_OPTION_INVALID', message: /leave it out/ });
    }
  });

  it('takes Ed25519 for EdDSA', () => {
    assert.equal(generateKey('Ed25519').alg, 'EdDSA');
  });

  it('refuses a kid that is no string', () => {
    for (const kid of ['', null, 7, NaN, [], ['k1'], {}, true, '\ud800']) {
      assert.throws(() => generateKey('HS256', { kid } as unknown as GenerateKeyOptions), { code: 'ERR_OPTION_INVALID', claim: 'kid' });
    }
  });

  it('refuses a kid that could break a header or a log line', () => {
    for (const kid of ['a\nb', 'a\r\nSet-Cookie: x', '\0', '\u0085', 'x'.repeat(257), '\u0141'.repeat(129), 'x'.repeat(1_000_000)]) {
      assert.throws(() => generateKey('EdDSA', { kid }), { code: 'ERR_KEY_INVALID', message: /a kid takes 1 to 256 bytes/ });
    }
  });

  it('refuses an unknown option and names the one that was meant', () => {
    assert.throws(() => generateKey('HS256', { kidd: 'k1' } as GenerateKeyOptions), {
      code: 'ERR_OPTION_UNKNOWN',
      message: "generateKey() has no option 'kidd'; did you mean 'kid'?",
    });
    for (const options of [null, [], 'k1', 7]) {
      assert.throws(() => generateKey('HS256', options as unknown as GenerateKeyOptions), { code: 'ERR_OPTION_INVALID' });
    }
  });
});
