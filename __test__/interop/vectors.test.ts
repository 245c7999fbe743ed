import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';

import type { JsonWebKey, Key } from 'keyturn';
import { createSigner, createVerifier, generateKey } from 'keyturn';

import { ALGORITHMS } from '../../dist/keys/key.js';
import { jsonTwin } from '../support/json-twin.js';
import { signature } from '../support/raw-token.js';
import { RFC_8037_KEY_OBJECT, RFC_8037_THUMBPRINT } from '../support/test-keys.js';
import { answerOf, importVector, isAccepted, judge, readVectors, readWycheproof, VECTORS, type WycheproofRow } from '../support/vectors.js';
import { KEY_LABELS, type LabelNote, REFUSED_AT_IMPORT, SIGNATURE_LABELS } from './vector-labels.js';

const { skip } = VECTORS;
const isOurs = (jwk: JsonWebKey): boolean => ALGORITHMS.some((alg) => alg === jwk['alg']);

/** What a row must be: its label, unless the written list says otherwise. */
function expectedOf({ tcId, result }: WycheproofRow, notes: Readonly<Record<number, LabelNote>>): 'accepted' | 'refused' {
  const label = result === 'valid' ? 'accepted' : 'refused';
  const note = notes[tcId];
  assert.notEqual(note?.expected, label, `row ${tcId} is on the written list, but its label says the same`);
  return note?.expected ?? label;
}

describe('Wycheproof JSON Web Signatures', { skip }, () => {
  const groups = readWycheproof<JsonWebKey>('json_web_signature_test.json');
  const ours = groups.filter((group) => isOurs(group.private));
  const foreign = groups.filter((group) => !isOurs(group.private));

  it('are 401, of which 40 are for HS256, none for EdDSA, and 361 for algorithms that this version does not take', () => {
    const count = (list: typeof groups): number => list.reduce((sum, { tests }) => sum + tests.length, 0);
    assert.deepEqual([count(groups), count(ours), count(foreign)], [401, 40, 361]);
    assert.deepEqual([...new Set(ours.map((group) => group.private['alg']))], ['HS256']);
    const rows = ours.flatMap(({ tests }) => tests);
    const accepted = rows.filter((row) => expectedOf(row, SIGNATURE_LABELS) === 'accepted').map(({ tcId }) => tcId);
    assert.deepEqual(accepted, [1, 348, 352, 357, 358, 359, 367, 370, 376, 377]);
  });

  for (const group of ours) {
    for (const row of group.tests) {
      const expected = skip === false ? expectedOf(row, SIGNATURE_LABELS) : 'refused';
      it(`${row.tcId} ${row.comment} (${group.comment}) is ${expected}`, () => {
        const answer = judge(row.jws, importVector(group.private));
        assert.equal(isAccepted(answer) ? 'accepted' : 'refused', expected, answer);
      });

      it(`${row.tcId} ${row.comment} (${group.comment}) with a JSON payload is ${expected}`, () => {
        const valid = group.tests.filter(({ result, tcId }) => result === 'valid' && SIGNATURE_LABELS[tcId] === undefined);
        const twin = jsonTwin(row.jws, valid.map(({ jws }) => jws), String(group.private['k']));
        const answer = answerOf(() => createVerifier({ key: importVector(group.private) })(twin));
        assert.equal(answer === 'claims' ? 'accepted' : 'refused', expected, `${answer}: ${twin}`);
      });
    }
  }

  it('of other algorithms have keys that are refused', () => {
    for (const group of foreign) {
      assert.throws(() => importVector(group.private), { code: 'ERR_OPTION_INVALID', claim: 'alg' });
      for (const alg of ALGORITHMS) assert.throws(() => importVector(group.private, alg), { code: 'ERR_KEY_INVALID' });
    }
  });

  it('of any algorithm are refused under a key that is not theirs', () => {
    const keys = ALGORITHMS.map((alg) => generateKey(alg));
    for (const { tests } of groups) {
      for (const { jws, tcId } of tests) {
        for (const key of [...keys, keys]) assert.equal(isAccepted(judge(jws, key)), false, `row ${tcId}`);
      }
    }
  });
});

describe('Wycheproof JSON Web Keys', { skip }, () => {
  const groups = readWycheproof<{ readonly keys: readonly JsonWebKey[] }>('json_web_key_test.json');
  const verdicts = { accepted: [] as number[], refused: [] as number[], 'key refused': [] as number[], 'not taken': [] as number[] };

  for (const group of groups) {
    for (const row of group.tests) {
      it(`${row.tcId} ${row.comment} (${group.comment}) is judged as labelled`, () => {
        const jwks = group.private.keys;
        const made = answerOf(() => createVerifier({ key: jwks.map((jwk) => importVector(jwk)) }));
        if (REFUSED_AT_IMPORT[row.tcId] !== undefined) {
          assert.equal(expectedOf(row, KEY_LABELS), 'refused');
          assert.notEqual(made, 'claims');
          verdicts['key refused'].push(row.tcId);
        } else if (jwks.every(isOurs)) {
          assert.equal(made, 'claims');
          const answer = judge(row.jws, jwks.map((jwk) => importVector(jwk)));
          assert.equal(isAccepted(answer) ? 'accepted' : 'refused', expectedOf(row, KEY_LABELS), answer);
          verdicts[isAccepted(answer) ? 'accepted' : 'refused'].push(row.tcId);
        } else {
          assert.match(made, /^ERR_OPTION_INVALID/);
          for (const alg of ALGORITHMS) assert.throws(() => jwks.map((jwk) => importVector(jwk, alg)), { name: 'KeyturnError' });
          verdicts['not taken'].push(row.tcId);
        }
      });
    }
  }

  it('are 26: 9 of HS256, and 17 whose algorithms this version does not take, two valid ones among them', () => {
    assert.deepEqual(verdicts, {
      accepted: [2, 13],
      refused: [3],
      'key refused': [1, 4, 10, 16, 25, 26],
      'not taken': [5, 6, 7, 8, 9, 11, 12, 14, 15, 17, 18, 19, 20, 21, 22, 23, 24],
    });
  });
});

describe('RFC 7515', { skip }, () => {
  interface Example { readonly id: string; readonly alg: string; readonly jwk: JsonWebKey | null; readonly jws: string }
  const examples = readVectors<{ tests: readonly Example[] }>('rfc7515/appendix.json', { tests: [] }).tests;
  const example = (id: string): Example => {
    const found = examples.find((one) => one.id === id);
    assert.ok(found !== undefined, `the vectors have no example ${id}`);
    return found;
  };
  const keyOf = ({ jwk, alg }: Example): Key => importVector(jwk ?? { kty: 'none' }, alg);

  it('A.1 has a good signature and has been over since 2011', (t) => {
    const a1 = example('A.1');
    const verify = createVerifier({ key: keyOf(a1), issuer: 'joe' });
    assert.throws(() => verify(a1.jws), { code: 'ERR_TOKEN_EXPIRED' });
    t.mock.timers.enable({ apis: ['Date'], now: 1_300_819_379_999 });
    assert.deepEqual(verify(a1.jws), { iss: 'joe', exp: 1_300_819_380, 'http://example.com/is_root': true });
    t.mock.timers.tick(1);
    assert.throws(() => verify(a1.jws), { code: 'ERR_TOKEN_EXPIRED' });
    assert.throws(() => createVerifier({ key: generateKey('HS256') })(a1.jws), { code: 'ERR_SIGNATURE_INVALID' });
  });

  it('A.2 to A.4 are of algorithms that this version does not take', () => {
    for (const id of ['A.2', 'A.3', 'A.4']) {
      assert.throws(() => keyOf(example(id)), { code: 'ERR_OPTION_INVALID', claim: 'alg' });
      for (const alg of ALGORITHMS) assert.equal(answerOf(() => createVerifier({ key: generateKey(alg) })(example(id).jws)), 'ERR_ALGORITHM_NOT_ALLOWED');
    }
  });

  it('A.5, which is not signed, is refused', () => {
    for (const alg of ALGORITHMS) assert.equal(answerOf(() => createVerifier({ key: generateKey(alg) })(example('A.5').jws)), 'ERR_ALGORITHM_NOT_ALLOWED');
  });

  it('E, with an extension that nobody knows, is refused', () => {
    for (const alg of ALGORITHMS) assert.equal(answerOf(() => createVerifier({ key: generateKey(alg) })(example('E').jws)), 'ERR_HEADER_UNSUPPORTED');
  });

  it('are six examples', () => {
    assert.deepEqual(examples.map(({ id }) => id), ['A.1', 'A.2', 'A.3', 'A.4', 'A.5', 'E']);
  });
});

describe('RFC 8037', { skip }, () => {
  interface Example { readonly input: { readonly payload: string; readonly key: JsonWebKey }; readonly signing: { readonly 'sig-input': string; readonly sig: string }; readonly output: { readonly compact: string } }
  const { input, signing, output } = readVectors<Example>('rfc8037/jws.json', { input: { payload: '', key: { kty: '' } }, signing: { 'sig-input': '', sig: '' }, output: { compact: '' } });

  it('A.4 and A.5: the signature is good, with the private key and with the public one, and the payload is no claims set', () => {
    for (const jwk of [input.key, { ...input.key, d: undefined }]) {
      const key = importVector(jwk, 'EdDSA');
      assert.equal(key.thumbprint(), RFC_8037_THUMBPRINT);
      assert.equal(judge(output.compact, key), 'good');
      assert.throws(() => createVerifier({ key })(output.compact), { code: 'ERR_TOKEN_MALFORMED', reason: 'json' });
    }
    assert.equal(judge(output.compact, generateKey('EdDSA')), 'ERR_SIGNATURE_INVALID');
  });

  it('A.4: node:crypto signs it to the byte, and we sign as node:crypto does', () => {
    assert.equal(signature(signing['sig-input'], RFC_8037_KEY_OBJECT).toString('base64url'), signing.sig);
    const [header, payload, tag] = createSigner({ key: importVector(input.key, 'EdDSA') })({ text: input.payload }).split('.');
    assert.equal(tag, signature(`${header}.${payload}`, RFC_8037_KEY_OBJECT).toString('base64url'));
  });
});

describe('RFC 7520', { skip }, () => {
  interface Example { readonly input: { readonly key: JsonWebKey }; readonly signing: { readonly 'sig-input': string; readonly sig: string }; readonly output: { readonly compact?: string; readonly json?: object; readonly json_flat?: object } }
  const read = (file: string): Example => readVectors<Example>(`rfc7520/jws/${file}`, { input: { key: { kty: '' } }, signing: { 'sig-input': '', sig: '' }, output: {} });

  it('4.4: the HS256 tag is good, and we sign as it was signed', () => {
    const { input, signing, output } = read('4_4.hmac-sha2_integrity_protection.json');
    const key = importVector(input.key);
    const secret = Buffer.from(String(input.key['k']), 'base64url');
    assert.equal(judge(output.compact ?? '', key), 'good');
    assert.equal(createHmac('sha256', secret).update(signing['sig-input']).digest('base64url'), signing.sig);
    const [header, payload, tag] = createSigner({ key })({}).split('.');
    assert.equal(tag, createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url'));
  });

  it('4.5, whose payload is detached, is refused', () => {
    const { input, output } = read('4_5.signature_with_detached_content.json');
    assert.equal(judge(output.compact ?? '', importVector(input.key)), 'ERR_SIGNATURE_INVALID');
  });

  it('4.4 to 4.8 in JSON serialization are refused', () => {
    let forms = 0;
    for (const file of ['4_4.hmac-sha2_integrity_protection', '4_5.signature_with_detached_content', '4_6.protecting_specific_header_fields', '4_7.protecting_content_only', '4_8.multiple_signatures']) {
      const { output } = read(`${file}.json`);
      for (const json of [output.json, output.json_flat].filter((form) => form !== undefined)) {
        assert.match(judge(JSON.stringify(json), generateKey('HS256')), /^ERR_TOKEN_MALFORMED (segments|base64url)$/);
        forms += 1;
      }
    }
    assert.equal(forms, 9);
  });
});

describe('RFC 7797', { skip }, () => {
  interface Example { readonly input: { readonly key: JsonWebKey }; readonly output: { readonly compact?: string; readonly json_flat: { readonly payload: string; readonly protected: string; readonly signature: string } } }
  const files = ['4.2.hmac-sha2_b64_false.json', 'hmac-sha2_b64_false.json'];

  for (const file of files) {
    it(`${file}: a payload that is not encoded is refused in every form`, () => {
      const { input, output } = readVectors<Example>(`rfc7797/${file}`, { input: { key: { kty: '' } }, output: { json_flat: { payload: '', protected: '', signature: '' } } });
      const key = importVector(input.key);
      const { payload, protected: header, signature: tag } = output.json_flat;
      const compact = `${header}.${payload}.${tag}`;
      for (const jws of [compact, output.compact ?? compact]) assert.equal(judge(jws, key), 'ERR_HEADER_UNSUPPORTED');
      assert.match(judge(JSON.stringify(output.json_flat), key), /^ERR_TOKEN_MALFORMED/);
    });
  }
});
