import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { EncryptionKey, JsonWebKey, KeyManagementAlgorithm } from 'keyturn';
import { createVerifier, decryptJwe, generateKey, importKey, KeyturnError } from 'keyturn';

import { isKeyManagement, KEY_MANAGEMENT_ALGORITHMS } from '../../dist/keys/encryption.js';
import { respelled } from '../support/tamper.js';
import { answerOf, readVectors, readWycheproof, VECTORS, type WycheproofRow } from '../support/vectors.js';
import { UNSUPPORTED_JWE } from './jwe-labels.js';

const { skip } = VECTORS;

interface Row extends Omit<WycheproofRow, 'jws'> { readonly jwe?: string; readonly pt?: string }

/** A key out of a vector, bound to its own algorithm: that of RFC 7520, section 5.6, names its content encryption. */
function encryptionVector(jwk: JsonWebKey, alg: unknown = jwk['alg']): EncryptionKey {
  const direct = /^A\d+(GCM|CBC-HS\d+)$/.test(String(alg));
  return importKey(jwk, { alg: (direct ? 'dir' : alg) as KeyManagementAlgorithm });
}

/** The plaintext in hex, or the code of the refusal. */
function judgeJwe(jwe: string, jwk: JsonWebKey): string {
  try {
    return decryptJwe(jwe, encryptionVector(jwk)).plaintext.toString('hex');
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    return error.code;
  }
}

/** Each segment with a bit changed at its begin, middle and end, cut at both ends, repeated, and changed for its neighbour. */
function changed(jwe: string): readonly string[] {
  const segments = jwe.split('.');
  return segments.flatMap((segment, index) => {
    const bytes = Buffer.from(segment, 'base64url');
    const put = (content: Buffer): string => segments.with(index, content.toString('base64url')).join('.');
    const flips = [0, bytes.length >> 1, bytes.length - 1].filter((at) => at >= 0 && bytes.length > 0).map((at) => {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      return put(flipped);
    });
    const cuts = bytes.length > 0 ? [put(bytes.subarray(1)), put(bytes.subarray(0, -1)), put(Buffer.alloc(0)), put(Buffer.alloc(bytes.length))] : [];
    const neighbour = segments[(index + 1) % segments.length] ?? '';
    return [...flips, ...cuts, put(Buffer.concat([bytes, Buffer.alloc(1)])), segments.with(index, neighbour).join('.')].filter((one) => one !== jwe);
  });
}

function assertRefusedWhenChanged(jwe: string, key: EncryptionKey): void {
  const allowed = ['ERR_ALGORITHM_NOT_ALLOWED', 'ERR_DECRYPTION_FAILED', 'ERR_HEADER_UNSUPPORTED', 'ERR_KEY_UNKNOWN', 'ERR_TOKEN_MALFORMED'];
  for (const token of changed(jwe)) {
    const answer = answerOf(() => decryptJwe(token, key)).split(' ')[0] ?? '';
    assert.ok(allowed.includes(answer), `${answer}: ${token}`);
  }
  for (const { how, token } of respelled(jwe)) assert.match(answerOf(() => decryptJwe(token, key)), /^ERR_/, how);
}

for (const [file, count, accepted] of [
  ['json_web_encryption_test.json', 139, 42],
  ['json_web_crypto_test.json', 34, 2],
] as const) {
  describe(`Wycheproof JSON Web Encryption in ${file}`, { skip }, () => {
    const groups = readWycheproof<JsonWebKey>(file).map(({ private: jwk, comment, tests }) => ({ jwk, comment, tests: tests as readonly unknown[] as readonly Row[] }));
    const rows = groups.flatMap(({ jwk, comment, tests }) => tests.flatMap(({ jwe, ...row }) => (jwe === undefined ? [] : [{ ...row, jwe, jwk, group: comment }])));
    const isUnsupported = (tcId: number): boolean => count === 139 && tcId in UNSUPPORTED_JWE;

    for (const { jwk, jwe, tcId, comment, group, result, pt } of rows) {
      const isAccepted = result === 'valid' && !isUnsupported(tcId);
      it(`${tcId} ${comment} (${group}) is ${isAccepted ? 'accepted' : 'refused'}`, () => {
        const answer = judgeJwe(jwe, jwk);
        if (!isAccepted) assert.match(answer, /^ERR_/);
        else assert.equal(answer, pt ?? answer.replace(/^ERR_.*/, 'accepted'));
      });

      if (isAccepted) {
        it(`${tcId} ${comment} (${group}) is refused once a segment is changed or spelt otherwise`, () => {
          assertRefusedWhenChanged(jwe, encryptionVector(jwk));
        });
      }
    }

    it(`are ${count}, of which ${accepted} are accepted`, () => {
      assert.equal(rows.length, count);
      assert.equal(rows.filter(({ tcId, result }) => result === 'valid' && !isUnsupported(tcId)).length, accepted);
    });

    it('list as unsupported only rows that are labelled valid', () => {
      const valid = rows.filter(({ result }) => result === 'valid').map(({ tcId }) => tcId);
      if (count === 139) assert.deepEqual(Object.keys(UNSUPPORTED_JWE).map(Number).filter((tcId) => !valid.includes(tcId)), []);
    });

    it('have keys of unsupported algorithms refused, and their tokens under every key that is supported', () => {
      const keys = KEY_MANAGEMENT_ALGORITHMS.map((alg) => generateKey(alg));
      for (const { jwk, jwe, tcId } of rows) {
        const alg = String(jwk['alg']);
        if (!isUnsupported(tcId)) continue;
        for (const key of keys) assert.match(answerOf(() => decryptJwe(jwe, key)), /^ERR_(ALGORITHM_NOT_ALLOWED|HEADER_UNSUPPORTED|KEY_UNKNOWN)/, `row ${tcId}`);
        if (isKeyManagement(alg)) continue;
        assert.throws(() => encryptionVector(jwk), { code: 'ERR_OPTION_INVALID', claim: 'alg' });
        for (const other of KEY_MANAGEMENT_ALGORITHMS) assert.throws(() => encryptionVector(jwk, other), { code: 'ERR_KEY_INVALID' }, `row ${tcId} ${other}`);
      }
    });
  });
}

interface Example {
  readonly input: { readonly plaintext: string; readonly key?: JsonWebKey; readonly alg: string; readonly enc: string };
  readonly output: { readonly compact?: string; readonly json?: object; readonly json_flat?: object };
}

const EMPTY: Example = { input: { plaintext: '', alg: '', enc: '' }, output: {} };

describe('RFC 7520 section 5, and RFC 8037 A.6', { skip }, () => {
  const good = [
    'rfc7520/jwe/5_2.key_encryption_using_rsa-oaep_with_aes-gcm.json',
    'rfc7520/jwe/5_4.key_agreement_with_key_wrapping_using_ecdh-es_and_aes-keywrap_with_aes-gcm.json',
    'rfc7520/jwe/5_5.key_agreement_using_ecdh-es_with_aes-cbc-hmac-sha2.json',
    'rfc7520/jwe/5_6.direct_encryption_using_aes-gcm.json',
    'rfc7520/jwe/5_7.key_wrap_using_aes-gcm_keywrap_with_aes-cbc-hmac-sha2.json',
    'rfc7520/jwe/5_8.key_wrap_using_aes-keywrap_with_aes-gcm.json',
    'rfc8037/ecdh-es.json',
  ];
  for (const file of good) {
    it(`${file}: decrypts, and not once it was changed`, () => {
      const { input, output } = readVectors(file, EMPTY);
      assert.ok(input.key !== undefined && output.compact !== undefined);
      const key = encryptionVector(input.key, input.alg);
      const { header, plaintext } = decryptJwe(output.compact, key);
      assert.equal(plaintext.toString('utf8'), input.plaintext);
      assert.deepEqual([header['alg'], header['enc']], [input.alg, input.enc]);
      assertRefusedWhenChanged(output.compact, key);
    });
  }

  const refused: readonly (readonly [file: string, code: string])[] = [
    ['5_1.key_encryption_using_rsa_v15_and_aes-hmac-sha2.json', 'ERR_ALGORITHM_NOT_ALLOWED'],
    ['5_3.key_wrap_using_pbes2-aes-keywrap_with-aes-cbc-hmac-sha2.json', 'ERR_ALGORITHM_NOT_ALLOWED'],
    ['5_9.compressed_content.json', 'ERR_HEADER_UNSUPPORTED'],
  ];
  for (const [file, code] of refused) {
    it(`${file}: is refused under every key`, () => {
      const compact = readVectors(`rfc7520/jwe/${file}`, EMPTY).output.compact ?? '';
      for (const alg of KEY_MANAGEMENT_ALGORITHMS) assert.throws(() => decryptJwe(compact, generateKey(alg)), { code });
    });
  }

  it('JSON serializations are refused', () => {
    let forms = 0;
    const rest = ['5_10.including_additional_authentication_data', '5_11.protecting_specific_header_fields', '5_12.protecting_content_only', '5_13.encrypting_to_multiple_recipients'];
    for (const file of [...good.filter((one) => one.startsWith('rfc7520')), ...rest.map((one) => `rfc7520/jwe/${one}.json`)]) {
      const { output } = readVectors(file, EMPTY);
      for (const form of [output.json, output.json_flat]) {
        if (form === undefined) continue;
        forms += 1;
        assert.match(answerOf(() => decryptJwe(JSON.stringify(form), generateKey('A128KW'))), /^ERR_TOKEN_(MALFORMED|TOO_LARGE)/);
      }
    }
    assert.equal(forms, 19);
  });
});

describe('RFC 7520 section 6', { skip }, () => {
  interface Nested { readonly sign: { readonly input: { readonly key: JsonWebKey }; readonly output: { readonly compact: string } }; readonly encrypt: { readonly input: { readonly key: JsonWebKey }; readonly output: { readonly compact: string } } }
  const half = { input: { key: { kty: '' } }, output: { compact: '' } };
  const { sign, encrypt } = readVectors<Nested>('rfc7520/6.nesting_signatures_and_encryption.json', { sign: half, encrypt: half });

  it('holds the JWS that it says', () => {
    const key = encryptionVector(encrypt.input.key);
    const { header, plaintext } = decryptJwe(encrypt.output.compact, key);
    assert.deepEqual([header['cty'], plaintext.toString('latin1')], ['JWT', sign.output.compact]);
    assertRefusedWhenChanged(encrypt.output.compact, key);
    assert.throws(() => createVerifier({ key: generateKey('EdDSA') })(encrypt.output.compact), { name: 'KeyturnError' });
  });
});
