import assert from 'node:assert/strict';
import { before, describe, it, mock } from 'node:test';

import npm from 'jsonwebtoken';
import * as ours from 'keyturn/jsonwebtoken';

import { randomObject, randomSource } from '../support/random.js';
import { assertSame, assertSameCallback, callbackOutcomeOf, described, type Outcome, outcomeOf, PACKAGES, shown, type Untyped } from './both.js';
import { ALGS, NO_KEYS, PAIRS, privateForms, publicForms, secretForms } from './keys.js';
import { KEY, SECRET } from './secret.js';

const NOW = 1_700_000_000;

before(() => mock.timers.enable({ apis: ['Date'], now: NOW * 1000 + 500 }));

class Person { name = 'Alice'; }

const BAD = [undefined, null, '', ' ', 0, 1, -1, 1.5, NaN, Infinity, true, false, {}, [], 'x', '1d', /x/, () => 1, 5n, new Date(0), Symbol.iterator] as const;

/** Values for each option, good and bad. */
const OPTIONS: Readonly<Record<string, readonly unknown[]>> = {
  algorithm: ['HS256', 'HS384', 'HS512', 'none', 'RS256', 'HS1', 'hs256', ...BAD],
  keyid: ['k', '\u00e9', '\u0141', '\u{1f600}', '"', new String('k'), ...BAD],
  expiresIn: [60, '60', '1h', '1.5 hours', '10 fortnights', '-1d', 'x'.repeat(101), new String('1h'), new Number(5), ...BAD],
  notBefore: [60, '60', '1h', '2 DAYS', 'd', '.5s', '1..5s', new String('1h'), ...BAD],
  audience: ['api', ['api', 'web'], [], [5], new String('api'), ...BAD],
  issuer: ['me', ['me'], ...BAD],
  subject: ['alice', ...BAD],
  jwtid: ['j', ...BAD],
  noTimestamp: [true, false, new Boolean(false), ...BAD],
  mutatePayload: [true, false, ...BAD],
  header: [{}, { alg: 'HS512' }, { alg: 'none' }, { alg: 'HS1' }, { alg: 'XX' }, { alg: '' }, { alg: 5 }, { alg: null }, { typ: 'at+jwt', kid: 'h', x: [1, { y: null }] }, { typ: undefined }, { kid: undefined }, { crit: ['b64'], b64: false }, new Person(), ...BAD],
  encoding: ['utf8', 'utf-8', 'UTF8', 'latin1', 'binary', 'hex', 'base64', 'base64url', 'utf16le', 'ascii', 'nothing', new String('utf8'), ...BAD],
  allowInsecureKeySizes: [...BAD],
  allowInvalidAsymmetricKeyTypes: [...BAD],
  unknown: ['x', undefined],
  toString: [1], constructor: [1],
};

const PAYLOADS: readonly unknown[] = [
  {}, { sub: 'alice', roles: ['a', { b: null }] }, { iat: NOW - 60 }, { iat: 0 }, { iat: 1.5 }, { iat: 'x' }, { iat: null }, { iat: NaN }, { iat: Infinity }, { iat: new Number(5) },
  { exp: NOW + 60 }, { exp: 'x' }, { exp: undefined }, { exp: null }, { exp: Infinity }, { nbf: NOW }, { nbf: '1' }, { nbf: true }, { exp: 1, nbf: 2, iat: 3 },
  { aud: 'x' }, { iss: 'x' }, { sub: 'x' }, { jti: 'x' }, { aud: null, iss: undefined }, { aud: 1, iss: 2, sub: 3, jti: 4 },
  { constructor: 1 }, { toString: 1 }, JSON.parse('{"__proto__":{"x":1}}'), { toJSON: () => ({ replaced: true }) }, { undefined, f: () => 1, d: new Date(0), n: NaN },
  { s: '\ud800\u0141\u{1f600}' }, { big: 5n }, Object.create(null), Object.assign(Object.create(null) as object, { a: 1 }), Object.create({ a: 1 }), new Person(), new Map([[1, 2]]), [], [1, 2], new Date(0), new Error('x'), /x/,
  { [Symbol.toStringTag]: 'Other' }, { 1: 'a', 0: 'b' },
  'text', '', ' ', '{"a":1}', '\ud800\u0141', 'x'.repeat(70_000), Buffer.from('bytes'), Buffer.from([0xff, 0xfe]), Buffer.alloc(0), new Uint8Array([1, 2]), new String('text'),
  0, 5, NaN, -1.5, true, false, 5n, null, undefined, Symbol('x'), () => 1, (a: unknown) => a,
];

describe('sign() beside npm jsonwebtoken', () => {
  it('does the same for each value of each option and every payload', () => {
    let cases = 0;
    for (const payload of PAYLOADS) {
      for (const [name, values] of Object.entries(OPTIONS)) {
        for (const value of values) {
          const options = { [name]: value };
          assertSame(() => `${shown(payload)} with ${shown(options)}`, ({ sign }) => sign(own(payload), KEY, options));
          cases += 1;
        }
      }
      assertSame(() => shown(payload), ({ sign }) => sign(payload, KEY));
    }
    assert.ok(cases > 10_000, `only ${cases} cases`);
  });

  it('does the same for random sets of options', () => {
    const random = randomSource();
    let signed = 0;
    for (let round = 0; round < 5000; round += 1) {
      const payload = PAYLOADS[random.below(random.below(3) === 0 ? PAYLOADS.length : 28)];
      const names = Object.keys(OPTIONS).filter((name) => random.below(4) === 0 && (name in {} ? random.below(20) === 0 : true));
      const options = Object.fromEntries(names.map((name) => {
        const values = OPTIONS[name] ?? [];
        return [name, values[random.below(random.below(5) === 0 ? values.length : 2)]];
      }));
      const outcome = assertSame(() => `seed ${random.seed}: ${shown(payload)} with ${shown(options)}`, ({ sign }) => sign(own(payload), KEY, options));
      if (typeof outcome['returned'] === 'string') signed += 1;
    }
    assert.ok(signed > 100, `only ${signed} tokens`);
  });

  it('writes random payloads alike', () => {
    const random = randomSource();
    for (let round = 0; round < 2000; round += 1) {
      const payload = randomObject(random);
      assertSame(() => `seed ${random.seed}: ${shown(payload)}`, ({ sign }) => sign(payload, KEY, { expiresIn: '5m' }));
    }
  });

  it('reads the payload before it judges the options, so that what a member throws comes first', () => {
    const payload = Object.defineProperty({}, 'a', { enumerable: true, get: () => { throw new Error('from the payload'); } });
    for (const callback of [undefined, () => undefined]) {
      assertSame(() => `a throwing member ${typeof callback}`, ({ sign }) => outcomeOf(() => sign(payload, KEY, { expiresIn: {} }, callback)));
    }
  });

  it('changes the payload where mutatePayload asks for it, and only there', () => {
    for (const options of [{}, { noTimestamp: true }, { expiresIn: 60, notBefore: '1m', audience: 'a', issuer: 'i', subject: 's', jwtid: 'j' }, { expiresIn: '1 fortnight' }, { subject: 'twice', audience: 'x' }, { issuer: 5 }]) {
      for (const mutatePayload of [true, false, undefined]) {
        const set = (): void => {
          throw new Error('set');
        };
        const get = (): undefined => undefined;
        for (const make of [() => ({ sub: 'x', iat: 5 }), () => Object.freeze({ sub: 'x', iat: 5 }), () => Object.seal({ iat: 5 }), () => Object.defineProperty({}, 'iat', { set, enumerable: true }), () => Object.defineProperty({}, 'exp', { get, enumerable: true })]) {
          const after: unknown[] = [];
          assertSame(() => `${shown(options)} ${String(mutatePayload)}`, ({ sign }) => {
            const payload = make();
            const outcome = outcomeOf(() => sign(payload, KEY, { ...options, mutatePayload }));
            after.push(Object.getOwnPropertyDescriptors(payload));
            return outcome;
          });
          assert.deepEqual(after[1], after[0]);
        }
      }
    }
  });

  it('does the same for options of any kind', () => {
    class Options { issuer = 'me'; }
    for (const options of [...BAD, new Options(), Object.create({ issuer: 'me' }), Object.assign(Object.create(null) as object, { issuer: 'me' }), ['x'], JSON.parse('{"__proto__":1}')]) {
      if (typeof options === 'function') continue;
      for (const payload of [{}, 'text', undefined]) assertSame(() => `${shown(payload)} ${shown(options)}`, ({ sign }) => sign(payload, KEY, options));
    }
  });

  it('does the same for every algorithm under every form of every key', () => {
    const permissions = [{}, { allowInsecureKeySizes: true }, { allowInvalidAsymmetricKeyTypes: true }, { allowInsecureKeySizes: true, allowInvalidAsymmetricKeyTypes: true }];
    let cases = 0;
    for (const one of PAIRS) {
      const forms = [...privateForms(one), ...publicForms(one).filter(([form]) => !form.includes('private'))];
      for (const [form, material] of forms) {
        // The other forms make the same key; each is shown to do so with one algorithm.
        for (const alg of form === 'a KeyObject' ? ALGS : (one.algs.slice(0, 1) as readonly string[])) {
          for (const allowed of form === 'a KeyObject' ? permissions : permissions.slice(0, 1)) {
            const options = { algorithm: alg, ...allowed };
            assertSame(() => `${one.name}, ${form}, ${shown(options)}`, ({ sign }) => sign({ a: 1 }, material, options), withoutRandomness);
            cases += 1;
          }
        }
      }
    }
    assert.ok(cases > 600, `only ${cases}`);
  });

  it('makes tokens that npm jsonwebtoken verifies, and the other way round', () => {
    for (const { name, privateKey, publicKey, algs } of PAIRS) {
      for (const alg of algs) {
        for (let round = 0; round < 20; round += 1) {
          const options = { algorithm: alg } as never;
          assert.deepEqual(npm.verify(ours.sign({ round }, privateKey, options), publicKey), { round, iat: NOW }, `${name} ${alg}`);
          assert.deepEqual(ours.verify(npm.sign({ round }, privateKey, options), publicKey), { round, iat: NOW }, `${name} ${alg}`);
        }
      }
    }
  });

  it('does the same for every form of a secret, and for what is no key', () => {
    for (const text of ['x', SECRET, '\u00e9\u0141', '\ud800', 'x'.repeat(20_000), '0'.repeat(70)]) {
      for (const [form, material] of secretForms(text)) {
        for (const algorithm of ['HS256', 'HS384', 'HS512', 'RS256', 'ES256', 'none']) {
          for (const time of [1, 2]) assertSame(() => `${algorithm}, ${form} of ${shown(text)}, ${time}`, ({ sign }) => sign({ a: 1 }, material, { algorithm }));
        }
      }
    }
    for (const material of [...NO_KEYS, '']) {
      for (const options of [undefined, { algorithm: 'none' }, { algorithm: 'RS256' }, { algorithm: 'none', header: { alg: 'HS256' } }, { header: { alg: 'none' } }, { algorithm: 'none', header: { alg: 'hs256' } }]) {
        if (material === '' && options?.algorithm === 'none' && options.header !== undefined) continue;
        assertSame(() => `${shown(material)} ${shown(options)}`, ({ sign }) => sign({ a: 1 }, material, options));
      }
    }
  });

  it('looks at what decides in the same order', () => {
    const everything = { unknown: 1, expiresIn: '', audience: 5, algorithm: 'HS256' };
    for (const payload of [undefined, null, 'text', { exp: 'x', nbf: 1, aud: 1 }, { exp: 1, nbf: 1 }, { nbf: 1, aud: 'x' }, { aud: 'x', iss: 'x' }]) {
      for (const key of [undefined, {}, KEY, PAIRS[0]?.publicKey, PAIRS[1]?.privateKey]) {
        for (const options of [everything, { ...everything, algorithm: 'RS256' }, { expiresIn: 5, notBefore: 5, audience: 'x', issuer: 'y' }, { audience: 'x', issuer: 'y', notBefore: 'x' }, { noTimestamp: 1, algorithm: 'RS256' }, { keyid: 5, expiresIn: 'x' }]) {
          assertSame(() => `${shown(payload)} ${shown(key)} ${shown(options)}`, ({ sign }) => sign(payload, key, options));
        }
      }
    }
  });
});

describe('sign() with a callback beside npm jsonwebtoken', () => {
  it('does the same for each value of each option and every payload', async () => {
    for (const payload of PAYLOADS.filter((one) => Boolean(one) || one === undefined || one === null)) {
      for (const [name, values] of Object.entries(OPTIONS)) {
        if (name === 'unknown') continue;
        for (const value of values.slice(0, 12)) {
          const options = { [name]: value };
          await assertSameCallback(() => `${shown(payload)} with ${shown(options)}`, ({ sign }, callback) => sign(own(payload), KEY, options, callback));
        }
      }
      await assertSameCallback(() => shown(payload), ({ sign }, callback) => sign(payload, KEY, callback));
      await assertSameCallback(() => shown(payload), ({ sign }, callback) => sign(payload, KEY, callback, 'ignored'));
      await assertSameCallback(() => shown(payload), ({ sign }, callback) => sign(payload, KEY, null, callback));
      assertSame(() => shown(payload), ({ sign }) => sign(payload, undefined, {}, 'no function'));
      assertSame(() => shown(payload), ({ sign }) => sign(payload, KEY, {}, 'no function'));
    }
  });

  it('does the same for keys', async () => {
    for (const material of NO_KEYS) await assertSameCallback(() => shown(material), ({ sign }, callback) => sign({}, material, callback));
    for (const { name, privateKey, publicKey } of PAIRS) {
      for (const options of [{ algorithm: 'RS256' }, { algorithm: 'HS256' }, { algorithm: 'RS256', allowInsecureKeySizes: true }, { algorithm: 'ES384', header: { alg: 'ES1' }, allowInvalidAsymmetricKeyTypes: true }]) {
        for (const key of [privateKey, publicKey]) await assertSameCallback(() => name, ({ sign }, callback) => sign({}, key, options, callback));
      }
    }
  });

  it('reads the payload at the next tick, with what was changed inside it by then', async () => {
    await assertSameCallback(() => 'deep', ({ sign }, callback) => {
      const payload = { deep: { value: 1 }, flat: 1 };
      sign(payload, KEY, callback);
      payload.deep.value = 2;
      payload.flat = 2;
    });
    await assertSameCallback(() => 'mutatePayload', ({ sign }, callback) => {
      const payload = { flat: 1 };
      sign(payload, KEY, { mutatePayload: true }, callback);
      payload.flat = 2;
    });
  });

  it('goes on signing after a name that is there twice has been told', async () => {
    const outcome = await assertSameCallback(() => 'twice', ({ sign }, callback) => sign({ sub: 'a', jti: 'b' }, KEY, { subject: 'c', jwtid: 'd' }, callback));
    assert.equal((outcome['calls'] as readonly unknown[]).length, 3);
  });

  it('loses what the callback throws on a token, and nothing else', async () => {
    for (const of of [PACKAGES.npm, PACKAGES.ours]) {
      let calls = 0;
      await callbackOutcomeOf(() => of.sign({}, KEY, () => {
        calls += 1;
        throw new Error('from the callback');
      }));
      assert.equal(calls, 1);
    }
    const callback: Untyped = () => {
      throw new Error('from the callback');
    };
    assertSame(() => 'an option', ({ sign }) => sign({}, KEY, { unknown: 1 }, callback));
  });

  it('answers where npm jsonwebtoken never does: to an empty payload, and without a key for none', async () => {
    for (const payload of ['', 0, false]) {
      const outcome = await callbackOutcomeOf((callback) => PACKAGES.ours.sign(payload, KEY, callback));
      assert.deepEqual(outcome['calls'], [['in the next tick', null, PACKAGES.npm.sign(payload, KEY)]]);
    }
    const outcome = await callbackOutcomeOf((callback) => PACKAGES.ours.sign({ a: 1 }, null, { algorithm: 'none' }, callback));
    assert.deepEqual(outcome['calls'], [['in the next tick', null, PACKAGES.npm.sign({ a: 1 }, null, { algorithm: 'none' })]]);
  });
});

/** Each call its own object, if it is a plain one, because mutatePayload may change it. */
function own(payload: unknown): unknown {
  if (typeof payload !== 'object' || payload === null) return payload;
  const prototype = Object.getPrototypeOf(payload) as object | null;
  return prototype === Object.prototype || prototype === null
    ? Object.create(prototype, Object.getOwnPropertyDescriptors(payload))
    : payload;
}

/** ECDSA and PSS draw randomness: their signatures are compared by length alone, and the text of numbers that do not fit not at all. */
function withoutRandomness({ returned, threw }: Outcome): Outcome {
  if (typeof returned !== 'string') {
    const { message } = threw as { message: string };
    // Whether a short token falls below 256 characters is chance as well.
    if (/minimum key size/.test(message)) return { signature: 'short' };
    // A signature of another kind, read as DER, fails at whichever of its random bytes comes first.
    return { threw: /specified length|Could not find expected/.test(message) ? 'no DER' : described(threw) };
  }
  const [header = '', payload = '', signature = ''] = returned.split('.');
  const { alg } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { alg: string };
  // A DER signature under the name of another algorithm is some bytes longer or shorter at random.
  const length = /^(?:RS|PS)/.test(alg) && signature.length < 200 ? 'short' : signature.length;
  return length === 'short' ? { signature: length } : { header, payload, signature: /^(?:ES|PS|RS)/.test(alg) ? length : signature };
}
