import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { JsonWebKey, Key } from 'keyturn';
import { createVerifier, generateKey, importKeySet, signJws, verifyJws } from 'keyturn';

import { ALGORITHMS } from '../../dist/keys/key.js';
import { jsonTwin } from '../support/json-twin.js';
import { signature } from '../support/raw-token.js';
import { RFC_8037_KEY_OBJECT, RFC_8037_THUMBPRINT } from '../support/test-keys.js';
import { answerOf, importVector, readVectors, readWycheproof, VECTORS, type WycheproofRow } from '../support/vectors.js';
import { KEY_LABELS, type LabelNote, PRIVATE_KEY_REFUSED, SIGNATURE_LABELS } from './vector-labels.js';

const { skip } = VECTORS;

/** What a row must be: its label, unless the written list says otherwise. */
function expectedOf({ tcId, result }: WycheproofRow, notes: Readonly<Record<number, LabelNote>>): 'accepted' | 'refused' {
  const label = result === 'valid' ? 'accepted' : 'refused';
  const note = notes[tcId];
  assert.notEqual(note?.expected, label, `row ${tcId} is on the written list, but its label says the same`);
  return note?.expected ?? label;
}

/** The verdict on a JWS under keys that may themselves be refused, and why. */
function verdict(jws: string, jwks: readonly JsonWebKey[], alg?: unknown): { readonly verdict: 'accepted' | 'refused'; readonly why: string } {
  const why = answerOf(() => verifyJws(jws, jwks.map((jwk) => importVector(jwk, jwk['alg'] ?? alg))));
  return { verdict: why === 'good' ? 'accepted' : 'refused', why };
}

/** The algorithm that a token names itself: what to import a key for that does not say. */
function algorithmOf(jws: string): unknown {
  return (JSON.parse(Buffer.from(jws.split('.')[0] ?? '', 'base64url').toString()) as { readonly alg?: unknown }).alg;
}

describe('Wycheproof JSON Web Signatures', { skip }, () => {
  const groups = readWycheproof<JsonWebKey>('json_web_signature_test.json');
  const isHmac = (group: (typeof groups)[number]): boolean => group.private.kty === 'oct';

  it('are 401: 40 of HMAC, 361 with key pairs, of which 42 are accepted', () => {
    const rows = (list: typeof groups): readonly WycheproofRow[] => list.flatMap(({ tests }) => tests);
    assert.deepEqual([rows(groups).length, rows(groups.filter(isHmac)).length], [401, 40]);
    assert.equal(rows(groups).filter((row) => expectedOf(row, SIGNATURE_LABELS) === 'accepted').length, 42);
  });

  for (const group of groups) {
    for (const row of group.tests) {
      const expected = skip === false ? expectedOf(row, SIGNATURE_LABELS) : 'refused';
      const name = `${row.tcId} ${row.comment} (${group.comment})`;
      it(`${name} is ${expected}`, () => {
        const alg = group.private['alg'] ?? algorithmOf(row.jws);
        const found = verdict(row.jws, [group.public ?? group.private], alg);
        assert.equal(found.verdict, expected, found.why);
        if (group.public === undefined) return;
        // A private key verifies with its public half.
        const withPrivate = verdict(row.jws, [group.private], alg);
        assert.equal(withPrivate.verdict, PRIVATE_KEY_REFUSED[row.tcId] === undefined ? expected : 'refused', withPrivate.why);
      });

      if (!isHmac(group)) continue;
      it(`${name} with a JSON payload is ${expected}`, () => {
        const valid = group.tests.filter(({ result, tcId }) => result === 'valid' && SIGNATURE_LABELS[tcId] === undefined);
        const twin = jsonTwin(row.jws, valid.map(({ jws }) => jws), String(group.private['k']));
        const answer = answerOf(() => createVerifier({ key: importVector(group.private) })(twin));
        assert.equal(answer === 'good' ? 'accepted' : 'refused', expected, `${answer}: ${twin}`);
      });
    }
  }

  it('are refused under a key that is not theirs', () => {
    const keys = ALGORITHMS.map((alg) => generateKey(alg));
    for (const { tests } of groups) {
      for (const { jws, tcId } of tests) assert.notEqual(answerOf(() => verifyJws(jws, keys)), 'good', `row ${tcId}`);
    }
  });

  it('for encryption keys are refused because of what the key is for', () => {
    for (const { tests, ...group } of groups) {
      for (const { tcId, jws } of tests.filter((row) => [353, 354, 355, 356].includes(row.tcId))) {
        const found = verdict(jws, [group.public ?? group.private], algorithmOf(jws));
        assert.match(found.why, /^ERR_KEY_INVALID/, `row ${tcId}`);
      }
    }
  });
});

describe('Wycheproof JSON Web Keys', { skip }, () => {
  const groups = readWycheproof<{ readonly keys: readonly JsonWebKey[] }>('json_web_key_test.json');
  const verdicts = { accepted: [] as number[], refused: [] as number[] };

  for (const group of groups) {
    for (const row of group.tests) {
      const expected = skip === false ? expectedOf(row, KEY_LABELS) : 'refused';
      it(`${row.tcId} ${row.comment} (${group.comment}) is ${expected}`, () => {
        const why = answerOf(() => verifyJws(row.jws, importKeySet(group.public ?? group.private)));
        assert.equal(why === 'good' ? 'accepted' : 'refused', expected, why);
        // All but the one whose signature is wrong are refused for their keys, before the token is looked at.
        if (expected === 'refused') assert.match(why, row.tcId === 3 ? /^ERR_SIGNATURE_INVALID/ : /^ERR_KEY_/);
        verdicts[expected].push(row.tcId);
      });
    }
  }

  it('are 26', () => {
    assert.deepEqual(verdicts.accepted, [2, 5, 13, 14, 15]);
    assert.equal(verdicts.refused.length, 21);
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

  for (const id of ['A.1', 'A.2', 'A.3', 'A.4']) {
    it(`${id} is verified, and nothing like it`, () => {
      const published = example(id);
      const { jws, alg } = published;
      const key = keyOf(published);
      const opened = verifyJws(jws, key);
      assert.equal(opened.header['alg'], alg);
      assert.match(opened.payload.toString(), id === 'A.4' ? /^Payload$/ : /^\{"iss":"joe",\r\n "exp":1300819380,\r\n "http:\/\/example.com\/is_root":true\}$/);
      assert.equal(answerOf(() => verifyJws(`${jws}A`, key)) === 'good', false);
      for (const other of ALGORITHMS) assert.notEqual(answerOf(() => verifyJws(jws, generateKey(other))), 'good');
      // What we sign with that key verifies again; where a signature has one form only, it is the published one.
      const signed = signJws(opened.payload, key);
      assert.deepEqual(verifyJws(signed, key).payload, opened.payload);
      if (id === 'A.2') assert.equal(signed, jws);
    });
  }

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
      assert.equal(answerOf(() => verifyJws(output.compact, key)), 'good');
      assert.throws(() => createVerifier({ key })(output.compact), { code: 'ERR_TOKEN_MALFORMED', reason: 'json' });
    }
    assert.equal(answerOf(() => verifyJws(output.compact, generateKey('EdDSA'))), 'ERR_SIGNATURE_INVALID');
  });

  it('A.4: signed again it is the same, by node:crypto and by us', () => {
    assert.equal(signature(signing['sig-input'], RFC_8037_KEY_OBJECT).toString('base64url'), signing.sig);
    assert.equal(signJws(input.payload, importVector(input.key, 'EdDSA')), output.compact);
  });
});

describe('RFC 7520', { skip }, () => {
  interface Example { readonly input: { readonly key: JsonWebKey; readonly payload: string; readonly alg: string }; readonly signing: { readonly protected: Readonly<Record<string, unknown>> }; readonly output: { readonly compact?: string; readonly json?: object; readonly json_flat?: object } }
  const read = (file: string): Example => readVectors<Example>(`rfc7520/jws/${file}`, { input: { key: { kty: '' }, payload: '', alg: '' }, signing: { protected: {} }, output: {} });

  const compact = ['4_1.rsa_v15_signature', '4_2.rsa-pss_signature', '4_3.ecdsa_signature', '4_4.hmac-sha2_integrity_protection'];
  for (const file of compact) {
    it(`${file} is verified, and signed to the byte where the signature has one form`, () => {
      const { input, signing, output } = read(`${file}.json`);
      const key = importVector(input.key, input.alg);
      const opened = verifyJws(output.compact ?? '', key);
      assert.equal(opened.payload.toString(), input.payload);
      assert.deepEqual(opened.header, signing.protected);
      const { alg, ...header } = signing.protected;
      const signed = signJws(input.payload, key, { header });
      assert.equal(key.alg, alg);
      assert.deepEqual(verifyJws(signed, key), opened);
      if (/^(RS|HS)/.test(key.alg)) assert.equal(signed, output.compact);
      else assert.equal(signed.slice(0, signed.lastIndexOf('.')), output.compact?.slice(0, output.compact.lastIndexOf('.')));
    });
  }

  it('4.5, whose payload is detached, is refused', () => {
    const { input, output } = read('4_5.signature_with_detached_content.json');
    assert.equal(answerOf(() => verifyJws(output.compact ?? '', importVector(input.key))), 'ERR_SIGNATURE_INVALID');
  });

  it('4.4 to 4.8 in JSON serialization are refused', () => {
    let forms = 0;
    for (const file of ['4_4.hmac-sha2_integrity_protection', '4_5.signature_with_detached_content', '4_6.protecting_specific_header_fields', '4_7.protecting_content_only', '4_8.multiple_signatures']) {
      const { output } = read(`${file}.json`);
      for (const json of [output.json, output.json_flat].filter((form) => form !== undefined)) {
        assert.match(answerOf(() => verifyJws(JSON.stringify(json), generateKey('HS256'))), /^ERR_TOKEN_MALFORMED (segments|base64url)$/);
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
      for (const jws of [compact, output.compact ?? compact]) assert.equal(answerOf(() => verifyJws(jws, key)), 'ERR_HEADER_UNSUPPORTED');
      assert.match(answerOf(() => verifyJws(JSON.stringify(output.json_flat), key)), /^ERR_TOKEN_MALFORMED/);
    });
  }
});
