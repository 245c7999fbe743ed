import assert from 'node:assert/strict';
import { before, describe, it, mock } from 'node:test';

import npm from 'jsonwebtoken';

import { type RandomSource, randomSource } from '../support/random.js';
import { respelled, tampered } from '../support/tamper.js';
import { assertSame, type Outcome, shown } from './both.js';
import { ALGS, NO_KEYS, PAIRS, privateForms, publicForms, secretForms } from './keys.js';
import { KEY, SECRET, token } from './secret.js';

const NOW = 1_700_000_000;

before(() => mock.timers.enable({ apis: ['Date'], now: NOW * 1000 + 500 }));

const CLAIMS: readonly unknown[] = [
  {},
  { iss: 'me', sub: 'alice', aud: 'api', jti: 'j', nonce: 'n', iat: NOW - 10, exp: NOW + 10, nbf: NOW - 10 },
  { aud: ['api', 'web'], iss: ['me'], iat: NOW, exp: NOW, nbf: NOW },
  { aud: [], iat: NOW + 60, exp: NOW + 1, nbf: NOW + 1 },
  { aud: null, iss: null, sub: 5, jti: {}, nonce: '', iat: '5', exp: NOW + 60 },
  { exp: NOW - 1, iat: 0 }, { exp: NOW - 1e6 }, { exp: '1' }, { exp: null }, { exp: NaN }, { exp: true }, { exp: [] }, { exp: NOW + 0.5 }, { exp: 1e300 }, { exp: -1 },
  { nbf: NOW + 0.5 }, { nbf: 'x' }, { nbf: null }, { nbf: NOW + 1e6 }, { nbf: 1e300 }, { nbf: NOW + 5, exp: NOW - 5 },
  { iat: NOW - 3600 }, { iat: NOW - 3600.5 }, { iat: 'x', exp: NOW + 9 },
  { aud: 'undefined' }, { aud: 'ap' }, { aud: 'api ', sub: 'Alice' },
];

const BAD = [undefined, null, '', ' ', 0, 1, -1, NaN, Infinity, true, false, {}, [], [undefined], 'x', '1d', /x/, () => 1, 5n, new Date(0), Symbol.iterator] as const;

/** Values for each option, good and bad. */
const OPTIONS: Readonly<Record<string, readonly unknown[]>> = {
  algorithms: [['HS256'], ['HS384'], ['HS256', 'none'], 'HS256', 'HS256,RS256', ['none'], ...BAD],
  audience: ['api', 'web', ['x', 'api'], /^a/, [/^w/, 'x'], /undefined/, ['x', /y/], ...BAD],
  clockTimestamp: [NOW - 100, NOW + 5, NOW + 100, '5', ...BAD],
  clockTolerance: [5, 10, 11, 1e9, '5', ...BAD],
  complete: ['true', ...BAD],
  ignoreExpiration: [...BAD],
  ignoreNotBefore: [...BAD],
  issuer: ['me', 'you', ['you', 'me'], ['you'], [['me']], ...BAD],
  jwtid: ['j', ['j'], ...BAD],
  maxAge: [10, 11, 3600, '10s', '11s', '1h', '2 hours', '60', '1 fortnight', 'NaN', '-1d', '1.5h', ...BAD],
  nonce: ['n', '\t', ...BAD],
  subject: ['alice', 'Alice', 5, ...BAD],
  allowInvalidAsymmetricKeyTypes: [...BAD],
  unknown: [...BAD],
};

describe('verify() beside npm jsonwebtoken', () => {
  it('does the same for each value of each option', () => {
    let cases = 0;
    for (const claims of CLAIMS) {
      const given = token({ alg: 'HS256', typ: 'JWT' }, JSON.stringify(claims));
      for (const [name, values] of Object.entries(OPTIONS)) {
        for (const value of values) {
          const options = { [name]: value };
          assertSame(() => `${shown(claims)} with ${shown(options)}`, ({ verify }) => verify(given, KEY, options));
          cases += 1;
        }
      }
    }
    assert.ok(cases > 5000, `only ${cases} cases`);
  });

  it('does the same for random sets of options', () => {
    const random = randomSource();
    const seen = new Set<string>();
    for (let round = 0; round < 5000; round += 1) {
      const claims = { ...(random.pick(CLAIMS) as object), ...(random.pick(CLAIMS) as object) };
      const given = token({ alg: 'HS256', typ: 'JWT' }, JSON.stringify(claims));
      const names = Object.keys(OPTIONS).filter(() => random.below(3) === 0);
      // Mostly good ones, so that the later checks are reached.
      const options = Object.fromEntries(names.map((name) => [name, oneOf(random, (OPTIONS[name] ?? []).slice(0, random.below(4) === 0 ? 40 : 4))]));
      const outcome = assertSame(() => `seed ${random.seed}: ${shown(claims)} with ${shown(options)}`, ({ verify }) => verify(given, KEY, options));
      seen.add(kindOf(outcome));
    }
    assert.ok(seen.size > 12, `only ${[...seen].join('; ')}`);
  });

  it('does the same for options of any kind', () => {
    class Options { issuer = 'you'; }
    const given = token({ alg: 'HS256', typ: 'JWT' }, '{"iss":"me"}');
    for (const options of [...BAD, new Options(), Object.create({ issuer: 'you' }), Object.assign(Object.create(null) as object, { issuer: 'you' }), ['x']]) {
      if (typeof options === 'function') continue;
      assertSame(() => shown(options), ({ verify }) => verify(given, SECRET, options));
      assertSame(() => shown(options), ({ verify }) => verify(given, 'wrong', options));
    }
  });

  it('does the same for a token in which any byte, character or segment was changed, or that is spelt differently', () => {
    const payloads = ['{"sub":"alice"}', '{"sub":"alic"}', '{"sub":"ali"}'];
    for (const payload of payloads) {
      const good = token({ alg: 'HS256', typ: 'JWT' }, payload);
      for (const { how, token: bad } of [...tampered(good), ...respelled(good)]) {
        for (const options of [undefined, { algorithms: ['HS256'] }, { complete: true }]) assertSame(() => `${how}: ${bad}`, ({ verify }) => verify(bad, KEY, options));
      }
    }
  });

  it('does the same for headers of every kind', () => {
    const algs = [...ALGS, 'hs256', 'HS1', 'HS', 'RS1', 'ESX', 'PS', '', ' HS256', 'None', 5, null, ['HS256'], { alg: 'HS256' }, true, undefined];
    const headers: unknown[] = algs.flatMap((alg) => [{ alg, typ: 'JWT' }, { alg }, { alg, typ: 'jwt', kid: 'k' }]);
    headers.push('{}', '[]', '"text"', '5', '0', 'null', 'true', 'false', '', 'no JSON', '{"alg":"none","alg":"HS256"}', '{"alg":"HS256","__proto__":{"typ":"JWT"}}');
    headers.push('{"alg":"HS256","kid":"\u00e9\u0141"}', { alg: 'HS256', crit: ['exp'] }, { alg: 'HS256', b64: false, crit: ['b64'] }, ' {"alg":"HS256"} ');
    for (const header of headers) {
      for (const payload of ['{"a":1}', 'text', '', 'null', '5', '"{\\"a\\":1}"', '[1]']) {
        for (const options of [undefined, { complete: true }, { algorithms: algs }, { algorithms: ['none'] }]) {
          const signed = token(header, payload);
          const unsigned = signed.slice(0, signed.lastIndexOf('.') + 1);
          for (const given of [signed, unsigned]) {
            for (const key of [KEY, undefined, null, PAIRS[0]?.publicKey]) {
              assertSame(() => `${shown(header)} ${payload} ${shown(key)} ${shown(options)} ${given}`, ({ verify }) => verify(given, key, options));
            }
          }
        }
      }
    }
  });

  it('does the same for payloads of every kind', () => {
    const payloads: (string | Buffer)[] = [
      '{}', '[]', 'null', 'true', '5', '"text"', '"{}"', '"[1]"', '"null"', 'text', ' {"a":1} ', '{"a":1,"a":2}', '{"a":1', '{"a":1}}', 'NaN', '\ufeff{}', '1e400', '{"exp":1e400}',
      '{"__proto__":{"admin":true}}', '{"constructor":1,"toString":2}', '{"n":12345678901234567890}', '{"s":"\\ud800"}', '{"\u0141":"\u{1f600}"}', '[{"exp":1}]',
      Buffer.from([0xff, 0xfe]), Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d]), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from([0xf4, 0x90, 0x80, 0x80]), Buffer.from([0]),
      `{"a":"${'x'.repeat(200_000)}"}`, '['.repeat(500) + ']'.repeat(500),
    ];
    for (const payload of payloads) {
      for (const typ of ['JWT', undefined, 'jwt']) {
        const given = token({ alg: 'HS256', typ }, payload);
        for (const options of [undefined, { complete: true }, { maxAge: 5 }]) {
          // Twice, because the second time the header is known.
          for (const time of [1, 2]) assertSame(() => `${shown(payload)} ${String(typ)} ${time}`, ({ verify }) => verify(given, KEY, options));
        }
        assertSame(() => `${shown(payload)} with another key`, ({ verify }) => verify(given, 'other'));
      }
    }
  });

  it('does the same for what is no token', () => {
    const good = token({ alg: 'HS256' }, '{}');
    for (const given of [...BAD, 'a', 'a.b', 'a.b.c', 'a.b.c.d', '..', '.'.repeat(1e5), good.replace('.', '\u012e'), `${good}\u0141`, Buffer.from(good), new String(good), ` ${good}`, `${good}\n`]) {
      assertSame(() => shown(given), ({ verify }) => verify(given, SECRET));
      assertSame(() => shown(given), ({ verify }) => verify(given, undefined, { algorithms: ['none'] }));
    }
  });

  it('does the same for every algorithm under every key', () => {
    const options = [undefined, { algorithms: ALGS }, { algorithms: ALGS, allowInvalidAsymmetricKeyTypes: true }, { allowInvalidAsymmetricKeyTypes: true }];
    const keys = [...PAIRS.map(({ publicKey }) => publicKey), ...PAIRS.map(({ privateKey }) => privateKey), SECRET];
    const tokens = PAIRS.flatMap(({ privateKey, algs }) => algs.map((alg) => npm.sign({ a: 1 }, privateKey, { algorithm: alg as never })));
    for (const alg of ALGS.filter((name) => name.startsWith('HS'))) tokens.push(npm.sign({ a: 1 }, SECRET, { algorithm: alg as never }));
    tokens.push(npm.sign({ a: 1 }, '', { algorithm: 'none' } as never));
    for (const given of tokens) {
      for (const key of keys) {
        for (const asked of options) assertSame(() => `${given} ${shown(key)} ${shown(asked)}`, ({ verify }) => verify(given, key, asked));
      }
    }
  });

  it('keeps nothing of an unsigned token that an empty secret has let through', () => {
    const unsigned = npm.sign({ a: 1 }, '', { algorithm: 'none' } as never);
    for (const key of ['', SECRET, ...PAIRS.map(({ publicKey }) => publicKey)]) {
      for (const algorithms of [['none'], ALGS]) assertSame(() => `${shown(key)} ${shown(algorithms)}`, ({ verify }) => verify(unsigned, key, { algorithms }));
    }
  });

  it('does the same for signatures of other lengths and other spellings under asymmetric keys', () => {
    for (const { name, privateKey, publicKey, algs } of PAIRS) {
      for (const alg of algs) {
        const given = npm.sign({ a: 1 }, privateKey, { algorithm: alg as never });
        const [head = '', body = '', signature = ''] = given.split('.');
        const bytes = Buffer.from(signature, 'base64url');
        const changed = [
          bytes.subarray(1), bytes.subarray(0, -1), Buffer.concat([bytes, bytes]), Buffer.concat([Buffer.of(0), bytes]), Buffer.alloc(bytes.length), Buffer.alloc(bytes.length, 0xff), Buffer.from([1]),
          Buffer.concat([Buffer.alloc(bytes.length / 2), bytes.subarray(bytes.length / 2)]), Buffer.concat([bytes.subarray(0, bytes.length / 2), Buffer.alloc(bytes.length / 2)]),
          Buffer.from(bytes.map((byte, at) => (at === 9 ? byte ^ 1 : byte))),
        ];
        for (const one of changed) {
          const bad = `${head}.${body}.${one.toString('base64url')}`;
          assertSame(() => `${name} ${alg} ${bad}`, ({ verify }) => verify(bad, publicKey));
        }
        for (const { how, token: bad } of respelled(given)) assertSame(() => `${name} ${alg} ${how}`, ({ verify }) => verify(bad, publicKey));
      }
    }
  });

  it('does the same for every form of a key', () => {
    for (const one of PAIRS) {
      const tokens = one.algs.map((alg) => npm.sign({ a: 1 }, one.privateKey, { algorithm: alg as never }));
      for (const given of [...tokens, npm.sign({ a: 1 }, SECRET)]) {
        for (const [form, material] of [...publicForms(one), ...privateForms(one)]) {
          if (given.startsWith('eyJhbGciOiJIUzI1NiI') && isDisguised(material)) continue;
          for (const time of [1, 2]) assertSame(() => `${one.name}, ${form}, ${time}`, ({ verify }) => verify(given, material));
        }
      }
    }
    for (const text of ['x', SECRET, '\u00e9\u0141', '\ud800', 'x'.repeat(20_000), '0'.repeat(70)]) {
      for (const alg of ['HS256', 'HS384', 'HS512'] as const) {
        const given = npm.sign({ a: 1 }, text, { algorithm: alg });
        for (const [form, material] of secretForms(text)) {
          for (const time of [1, 2]) assertSame(() => `${alg}, ${form} of ${shown(text)}, ${time}`, ({ verify }) => verify(given, material));
        }
      }
    }
    const given = npm.sign({ a: 1 }, SECRET);
    for (const material of NO_KEYS) assertSame(() => shown(material), ({ verify }) => verify(given, material));
  });

  it('looks at what decides in the same order', () => {
    const expired = token({ alg: 'HS256', typ: 'JWT' }, JSON.stringify({ exp: 1, nbf: NOW + 9, iss: 'x' }));
    const noJson = token({ alg: 'HS384', typ: 'JWT' }, 'no JSON');
    const options = [
      { clockTimestamp: 'x', nonce: '', allowInvalidAsymmetricKeyTypes: 'x' }, { nonce: '', allowInvalidAsymmetricKeyTypes: 'x' }, { allowInvalidAsymmetricKeyTypes: 'x' },
      { algorithms: ['RS256'], issuer: 'y' }, { issuer: 'y', audience: 'z' }, { ignoreNotBefore: true, issuer: 'y' }, { ignoreNotBefore: true, ignoreExpiration: true, issuer: 'y', subject: 's' },
    ];
    for (const given of [undefined, 5, 'a.b', 'a.b.c', expired, noJson, `${expired.slice(0, -3)}AAA`, expired.slice(0, expired.lastIndexOf('.') + 1)]) {
      for (const key of [undefined, {}, 'wrong', SECRET, PAIRS[0]?.publicKey, () => undefined]) {
        for (const asked of options) assertSame(() => `${shown(given)} ${shown(key)} ${shown(asked)}`, ({ verify }) => verify(given, key, asked));
      }
    }
  });

  it('keeps the state of a RegExp with the g flag as it is', () => {
    const given = token({ alg: 'HS256' }, '{"aud":"api"}');
    const expressions = { npm: /api/g, ours: /api/g };
    for (let round = 0; round < 4; round += 1) {
      assertSame(() => `round ${round}`, ({ verify }) => verify(given, SECRET, { audience: verify === (npm.verify as unknown) ? expressions.npm : expressions.ours }), messageOnly);
    }
  });
});

function oneOf(random: RandomSource, list: readonly unknown[]): unknown {
  return list[random.below(list.length)];
}

/** A secret that this package refuses on purpose. */
function isDisguised(material: unknown): boolean {
  // Encrypted PEM is no key without its passphrase, and so a secret; it is refused as one for what it says.
  const text = typeof material === 'string' || Buffer.isBuffer(material) ? material.toString() : '';
  return text.includes('ENCRYPTED');
}

function kindOf({ returned, threw }: Outcome): string {
  return returned === undefined ? (threw as { message: string }).message.replace(/expected.*/, '') : 'returned';
}

function messageOnly({ returned, threw }: Outcome): Outcome {
  return { returned, message: (threw as { message?: string } | undefined)?.message };
}
