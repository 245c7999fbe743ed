import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { describe, it } from 'node:test';

import { createSigner, createVerifier, decryptJwe, encryptJwe, generateKey, importKey, KeyturnError } from 'keyturn';

import { ENCRYPTION_KEYS, encryptionKeyFor } from '../support/encryption-keys.js';

const signing = generateKey('HS256');
const { key: secret } = encryptionKeyFor('A256KW');
const sign = createSigner({ key: signing, encrypt: { key: secret } });
const verify = createVerifier({ key: signing, decrypt: { key: secret } });

describe('an encrypted token', () => {
  for (const { name, key, publicKey } of ENCRYPTION_KEYS) {
    it(`is signed and then encrypted for ${name}, and read again`, () => {
      const token = createSigner({ key: signing, encrypt: { key: publicKey } })({ sub: 'alice', 'a\u{1f600}': 'b\u00e9' });
      assert.equal(token.split('.').length, 5);
      const claims = createVerifier({ key: signing, decrypt: { key } })(token);
      assert.deepEqual([claims.sub, claims['a\u{1f600}']], ['alice', 'b\u00e9']);
      const { header, plaintext } = decryptJwe(token, key);
      assert.equal(header['cty'], 'JWT');
      assert.equal(createVerifier({ key: signing })(plaintext.toString()).sub, 'alice');
    });
  }

  it('is the same from the asynchronous faces, also of algorithms that go to the pool', async () => {
    for (const alg of ['HS256', 'ES512'] as const) {
      const key = generateKey(alg);
      const token = await createSigner({ key, encrypt: { key: secret } }).async({ sub: 'alice' });
      const nested = createVerifier({ key, decrypt: { key: secret } });
      assert.equal((await nested.async(token)).sub, 'alice');
      await assert.rejects(nested.async(decryptJwe(token, secret).plaintext.toString()), { code: 'ERR_TOKEN_MALFORMED', reason: 'segments' });
      await assert.rejects(nested.async(7 as unknown as string), { code: 'ERR_TOKEN_MALFORMED' });
    }
  });

  it('is decrypted on the pool where a key is for RSA, and at once elsewhere', async () => {
    for (const alg of ['RSA-OAEP', 'RSA-OAEP-256', 'ECDH-ES', 'dir'] as const) {
      const { key, publicKey } = encryptionKeyFor(alg);
      const token = createSigner({ key: signing, encrypt: { key: publicKey } })({ sub: 'alice', 'a\u{1f600}': 'b\u00e9' });
      let settled = false;
      const claims = createVerifier({ key: signing, decrypt: { key } }).async(token).finally(() => (settled = true));
      // The pool's answer needs a turn of the event loop, for which this does not wait.
      for (let n = 0; n < 100; n += 1) await Promise.resolve();
      assert.equal(settled, !alg.startsWith('RSA'), alg);
      assert.deepEqual([(await claims).sub, (await claims)['a\u{1f600}']], ['alice', 'b\u00e9']);
    }
  });

  it('fails from the pool as it does at once', async () => {
    const { key, publicKey } = encryptionKeyFor('RSA-OAEP');
    const nested = createVerifier({ key: signing, decrypt: { key } });
    const signed = createSigner({ key: signing })({ sub: 'alice' });
    const token = createSigner({ key: signing, encrypt: { key: publicKey } })({ sub: 'alice' });
    const wrong = [
      7, '', signed, `${token}.`, token.replace(/....$/, 'AAAA'), 'A'.repeat(9000), encryptJwe(signed, publicKey), encryptJwe(signed, secret),
      encryptJwe(Buffer.from([0xff, 0xfe]), publicKey, { header: { cty: 'JWT' } }), `\u0141${token.slice(1)}`,
    ] as readonly string[];
    for (const one of wrong) {
      const failure = failureOf(() => nested(one));
      await assert.rejects(nested.async(one), { code: failure.code, message: failure.message });
    }
  });

  it('waits for a bounded pool', async () => {
    const { key, publicKey } = encryptionKeyFor('RSA-OAEP');
    // An encrypted key that is too short for the modulus, so that the pool is soon through with it.
    const segments = encryptJwe('text', publicKey).split('.');
    const nested = createVerifier({ key: signing, decrypt: { key } });
    const calls = Array.from({ length: 4096 + 4 + 1 }, () => nested.async(segments.with(1, 'AAAA').join('.')));
    const codes = (await Promise.allSettled(calls)).map((call) => (call.status === 'rejected' ? (call.reason as KeyturnError).code : 'none'));
    assert.deepEqual([...new Set(codes)].sort(), ['ERR_DECRYPTION_FAILED', 'ERR_POOL_FULL']);
    await assert.rejects(nested.async(segments.join('.')), { code: 'ERR_TOKEN_TYPE' });
  });

  it('keeps to enc, and is held to encryptions', () => {
    const token = createSigner({ key: signing, encrypt: { key: secret, enc: 'A128CBC-HS256' } })({ sub: 'alice' });
    assert.equal(decryptJwe(token, secret).header['enc'], 'A128CBC-HS256');
    assert.equal(createVerifier({ key: signing, decrypt: { key: secret, encryptions: ['A128CBC-HS256'] } })(token).sub, 'alice');
    const narrow = createVerifier({ key: signing, decrypt: { key: secret, encryptions: ['A256GCM'] } });
    assert.throws(() => narrow(token), { code: 'ERR_ALGORITHM_NOT_ALLOWED' });
  });
});

describe('a verifier with decrypt', () => {
  it('refuses what is merely signed, and a verifier without it what is encrypted', () => {
    const signed = createSigner({ key: signing })({ sub: 'alice' });
    assert.throws(() => verify(signed), { code: 'ERR_TOKEN_MALFORMED', reason: 'segments' });
    assert.throws(() => createVerifier({ key: signing })(sign({ sub: 'alice' })), { code: 'ERR_ALGORITHM_NOT_ALLOWED' });
  });

  it('refuses a JWE that holds something else, or does not say what it holds', () => {
    const signed = createSigner({ key: signing })({ sub: 'alice' });
    for (const header of [{}, { cty: 'json' }, { cty: '' }, { cty: 'application/at+jwt' }, { typ: 'JWT' }]) {
      assert.throws(() => verify(encryptJwe(signed, secret, { header })), { code: 'ERR_TOKEN_TYPE', reason: 'cty' });
    }
    for (const cty of ['JWT', 'jwt', 'application/JWT']) assert.equal(verify(encryptJwe(signed, secret, { header: { cty } })).sub, 'alice');
    for (const plaintext of ['', 'alice', '{"sub":"alice"}', Buffer.from([0xff, 0xfe]), sign({ sub: 'alice' })]) {
      assert.throws(() => verify(encryptJwe(plaintext, secret, { header: { cty: 'JWT' } })), { code: /^ERR_(TOKEN_MALFORMED|ALGORITHM_NOT_ALLOWED)$/ });
    }
  });

  it('checks signature and claims as ever', (t) => {
    const inside = (claims: object): string => createSigner({ key: signing, encrypt: { key: secret }, expiresIn: false })({ ...claims });
    t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 });
    assert.throws(() => verify(inside({ exp: 1_800_000_000 })), { code: 'ERR_TOKEN_EXPIRED' });
    assert.throws(() => verify(inside({})), { code: 'ERR_CLAIM_MISSING', claim: 'exp' });
    assert.throws(() => verify(inside({ exp: 1_800_000_001, aud: 'a' })), { code: 'ERR_CLAIM_INVALID', claim: 'aud' });
    const stranger = createSigner({ key: generateKey('HS256'), encrypt: { key: secret } });
    assert.throws(() => verify(stranger({ sub: 'alice' })), { code: 'ERR_SIGNATURE_INVALID' });
    const misdirected = createSigner({ key: signing, encrypt: { key: generateKey('A256KW') } });
    assert.throws(() => verify(misdirected({ sub: 'alice' })), { code: 'ERR_DECRYPTION_FAILED' });
  });

  it('looks at no token longer than maxTokenBytes, encrypted or not', () => {
    const long = sign({ text: 'x'.repeat(6000) });
    assert.ok(long.length > 8192);
    assert.throws(() => verify(long), { code: 'ERR_TOKEN_TOO_LARGE' });
    assert.equal(createVerifier({ key: signing, decrypt: { key: secret }, maxTokenBytes: long.length })(long)['text'], 'x'.repeat(6000));
  });
});

describe('the options encrypt and decrypt', () => {
  it('take keys that can, and refuse the others when signer and verifier are made', () => {
    const { raw } = encryptionKeyFor('ECDH-ES');
    const publicKey = importKey(createPublicKey(raw), { alg: 'ECDH-ES' });
    const onlyUnwraps = importKey({ kty: 'oct', k: 'A'.repeat(22), key_ops: ['unwrapKey'] }, { alg: 'A128KW' });
    assert.throws(() => createVerifier({ key: signing, decrypt: { key: publicKey } }), { code: 'ERR_KEY_INVALID', message: /public key cannot decrypt/ });
    assert.throws(() => createSigner({ key: signing, encrypt: { key: onlyUnwraps } }), { code: 'ERR_KEY_INVALID', message: /key_ops/ });
    assert.throws(() => createSigner({ key: signing, encrypt: { key: signing as never } }), { code: 'ERR_OPTION_INVALID', message: /HS256, which signs/ });
    assert.throws(() => createVerifier({ key: signing, decrypt: { key: signing as never } }), { code: 'ERR_OPTION_INVALID', message: /HS256, which signs/ });
    assert.throws(() => createSigner({ key: secret as never }), { code: 'ERR_OPTION_INVALID', message: /A256KW, which encrypts/ });
    assert.throws(() => createVerifier({ key: secret as never }), { code: 'ERR_OPTION_INVALID', message: /A256KW, which encrypts/ });
    assert.throws(() => createSigner({ key: signing, encrypt: { key: encryptionKeyFor('dir').key, enc: 'A256GCM' } }), { code: 'ERR_OPTION_INVALID' });
  });

  it('are checked like all others', () => {
    for (const wrong of [null, 7, 'A256KW', [], secret]) {
      assert.throws(() => createSigner({ key: signing, encrypt: wrong as never }), { name: 'KeyturnError', code: /^ERR_OPTION_/ });
      assert.throws(() => createVerifier({ key: signing, decrypt: wrong as never }), { name: 'KeyturnError', code: /^ERR_OPTION_/ });
    }
    assert.throws(() => createSigner({ key: signing, encrypt: { key: secret, encryption: 'A256GCM' } as never }), { code: 'ERR_OPTION_UNKNOWN', claim: 'encryption' });
    assert.throws(() => createVerifier({ key: signing, decrypt: { key: secret, encryptions: [] } }), { code: 'ERR_OPTION_INVALID', claim: 'encryptions' });
    assert.throws(() => createVerifier({ key: signing, decrypt: { key: [] } }), { code: 'ERR_KEY_INVALID' });
  });
});

function failureOf(call: () => unknown): KeyturnError {
  try {
    call();
  } catch (error) {
    if (error instanceof KeyturnError) return error;
  }
  throw new Error('it did not fail as it should');
}
