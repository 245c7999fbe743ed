import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';

import { generateKey } from '../../dist/keys/generate.js';
import { importKey } from '../../dist/keys/import.js';
import { dangerouslyDecode } from '../../dist/tokens/decode.js';
import { createSigner, type SignerOptions, type SignOptions } from '../../dist/tokens/signer.js';
import { createVerifier } from '../../dist/tokens/verifier.js';
import { signature } from '../support/raw-token.js';
import { TEST_KEYS, testKey } from '../support/test-keys.js';

const NOW = 1_800_000_000_999;
const SECOND = 1_800_000_000;
const key = generateKey('HS256');
const payloadOf = (token: string): unknown => dangerouslyDecode(token).payload;
const headerOf = (token: string): unknown => dangerouslyDecode(token).header;
const signerOf = (options: object) => createSigner({ key, ...options });
const signWrong = (claims: unknown, call?: unknown) => createSigner({ key })(claims as Record<string, unknown>, call as SignOptions);

describe('createSigner', () => {
  // The others draw randomness for each signature.
  for (const { alg, raw, key: own } of TEST_KEYS.filter((one) => /^(EdDSA|HS|RS)/.test(one.alg))) {
    it(`makes for ${alg} the very signature that node:crypto makes`, () => {
      const token = createSigner({ key: own, issuer: 'https://issuer.example' })({ sub: 'alice', name: '\u0141ukasz \u{1f600}' });
      const [header, payload, tag] = token.split('.');
      assert.equal(tag, signature(`${header}.${payload}`, raw).toString('base64url'));
    });
  }

  it('writes alg, typ and the kid of the key into the header', () => {
    assert.deepEqual(headerOf(createSigner({ key })({})), { alg: 'HS256', typ: 'JWT' });
    const named = testKey('EdDSA', 'k "1"\\').key;
    assert.deepEqual(headerOf(createSigner({ key: named, typ: 'at+jwt' })({})), { alg: 'EdDSA', typ: 'at+jwt', kid: 'k "1"\\' });
  });

  it('adds iss, aud, iat, exp and nbf, in whole seconds of the clock', (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: NOW });
    const sign = createSigner({ key, issuer: 'i', audience: ['a', 'b'], expiresIn: '1h', notBefore: 30 });
    assert.deepEqual(payloadOf(sign({ role: 'admin' }, { subject: 's', jti: 'j' })), {
      role: 'admin', iss: 'i', sub: 's', jti: 'j', aud: ['a', 'b'], iat: SECOND, exp: SECOND + 3600, nbf: SECOND + 30,
    });
    assert.deepEqual(payloadOf(createSigner({ key, audience: ['a'] })({})), { aud: 'a', iat: SECOND, exp: SECOND + 300 });
  });

  it('reads the clock at each call', (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: NOW });
    const sign = createSigner({ key });
    assert.deepEqual(payloadOf(sign({})), { iat: SECOND, exp: SECOND + 300 });
    t.mock.timers.tick(60_000);
    assert.deepEqual(payloadOf(sign({})), { iat: SECOND + 60, exp: SECOND + 360 });
  });

  it('signs nothing by a clock that gives no time, since such a token would never expire', (t) => {
    for (const time of [NaN, -1, -Infinity, Infinity, 8.64e15 + 1, 2 ** 53, '1700000000000', 5n, null, undefined]) {
      const clock = t.mock.method(Date, 'now', () => time as number);
      assert.throws(() => createSigner({ key })({}), { code: 'ERR_INTERNAL', message: 'Date.now() gives no time.' });
      clock.mock.restore();
    }
  });

  it('lets a token live five minutes unless told otherwise, and for ever only if false is written', (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: NOW });
    const lives: readonly (readonly [expiresIn: unknown, seconds: number | undefined])[] = [
      [undefined, 300], [1, 1], ['1000ms', 1], [1.5, 2], ['15m', 900], [86_400, 86_400], ['3650d', 315_360_000], [false, undefined],
    ];
    for (const [expiresIn, seconds] of lives) {
      const exp = seconds === undefined ? {} : { exp: SECOND + seconds };
      assert.deepEqual(payloadOf(signerOf({ expiresIn })({})), { iat: SECOND, ...exp });
    }
  });

  it('takes a life from the call in place of its own', (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: NOW });
    for (const expiresIn of [undefined, '1h', false] as const) {
      assert.deepEqual(payloadOf(createSigner({ key, expiresIn })({}, { expiresIn: '10s' })), { iat: SECOND, exp: SECOND + 10 });
    }
  });

  it('signs registered claims as they are given', (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: NOW });
    const claims = { iss: 'i', sub: 's', aud: ['a', 'b'], exp: SECOND + 7.5, nbf: 0, iat: 1, jti: 'j' };
    assert.deepEqual(payloadOf(createSigner({ key })(claims)), claims);
    assert.deepEqual(payloadOf(createSigner({ key, issuer: 'i', audience: ['a', 'b'] })(claims, { subject: 's', jti: 'j' })), claims);
    assert.deepEqual(payloadOf(createSigner({ key, expiresIn: false })(claims)), claims);
  });

  const contradictions: readonly (readonly [claim: string, value: unknown, options: object, call?: object])[] = [
    ['iss', 'x', { issuer: 'i' }],
    ['aud', 'x', { audience: 'a' }],
    ['aud', ['a'], { audience: ['a', 'b'] }],
    ['aud', ['b', 'a'], { audience: ['a', 'b'] }],
    ['aud', 'a', { audience: ['a', 'b'] }],
    ['exp', 2_000_000_000, { expiresIn: '5m' }],
    ['exp', 2_000_000_000, {}, { expiresIn: '5m' }],
    ['nbf', 1, { notBefore: 0 }],
    ['sub', 'x', {}, { subject: 's' }],
    ['jti', 'x', {}, { jti: 'j' }],
  ];
  for (const [claim, value, options, call] of contradictions) {
    it(`refuses ${claim} among the claims if it contradicts ${inspect({ ...options, ...call })}`, () => {
      assert.throws(() => signerOf(options)({ [claim]: value }, call), { code: 'ERR_CLAIMS_INVALID', message: new RegExp(`${claim} among the claims contradicts the`) });
    });
  }

  it('writes what JSON.stringify writes, and changes nothing of the claims', () => {
    const claims = Object.freeze({ a: undefined, b: () => 1, c: new Date(0), d: [undefined, NaN, -0], e: { toJSON: () => 'f' }, 'iss ': 1, '': null });
    const before = inspect(claims);
    const { iat, exp, ...rest } = payloadOf(createSigner({ key })(claims)) as Record<string, unknown>;
    assert.deepEqual(rest, JSON.parse(JSON.stringify(claims)));
    assert.deepEqual([typeof iat, typeof exp, inspect(claims)], ['number', 'number', before]);
  });

  it('answers through a promise too, and fails through it', async () => {
    const sign = createSigner({ key });
    assert.equal(createVerifier({ key })(await sign.async({ sub: 'a' }, { jti: 'j' })).jti, 'j');
    await assert.rejects(sign.async({ iss: 7 }), { code: 'ERR_CLAIMS_INVALID' });
    await assert.rejects(sign.async({}, { jti: '' }), { code: 'ERR_OPTION_INVALID' });
  });

  it('keeps signers apart', () => {
    const [a, b] = [createSigner({ key, issuer: 'a' }), createSigner({ key, issuer: 'b', expiresIn: false })];
    for (let round = 0; round < 3; round += 1) {
      assert.equal((payloadOf(a({})) as { iss: string }).iss, 'a');
      assert.equal((payloadOf(b({})) as { iss: string }).iss, 'b');
    }
  });
});

describe('the claims that a signer refuses', () => {
  const notObjects: readonly unknown[] = [undefined, null, 7, NaN, true, '', 'a', '{"sub":"a"}', [], [{}], () => ({}), Symbol('a'), new Date(), 5n, new String('{}')];
  for (const claims of notObjects) {
    it(`are ${typeof claims} ${inspect(claims)}`, () => {
      assert.throws(() => signWrong(claims), { name: 'KeyturnError', code: 'ERR_CLAIMS_INVALID' });
    });
  }

  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  const deep = (depth: number): Record<string, unknown> => (depth === 1 ? {} : { a: deep(depth - 1) });
  const table: readonly (readonly [what: string, claims: Record<string, unknown>])[] = [
    ['that refer to themselves', circular],
    ['with a BigInt', { id: 5n }],
    ['that throw when they are written', { toJSON: () => { throw new Error('no'); } }],
    ['that write themselves as text', { toJSON: () => 'text' }],
    ['with half of a surrogate pair in a value', { name: '\ud800' }],
    ['with half of a surrogate pair in a name', { '\udfff': 1 }],
    ['with a member named __proto__', JSON.parse('{"__proto__":{"isAdmin":true}}') as Record<string, unknown>],
    ['with a member named __proto__ further in', JSON.parse('{"a":[{"__proto__":1}]}') as Record<string, unknown>],
    ['nested deeper than 32', deep(33)],
    ['above 64 KiB', { text: 'x'.repeat(65_536) }],
    ['of 10 MB', { text: 'x'.repeat(10_000_000) }],
    ...(
      [
        ['iss', [7, null, true, [], ['a'], {}]], ['sub', [7, null, NaN, ['a'], {}]], ['jti', [7, null, ['a']]],
        ['aud', [7, null, {}, [7], ['a', null], [['a']], 'a'.length]],
        ['exp', ['1', '', null, NaN, Infinity, true, [], {}, '2030-01-01']], ['nbf', ['1', null, Infinity, []]], ['iat', ['1', null, {}]],
      ] as const
    ).flatMap(([claim, values]) => values.map((value): [string, Record<string, unknown>] => [`whose ${claim} is ${inspect(value)}`, { [claim]: value }])),
  ];
  for (const [what, claims] of table) {
    it(`are claims ${what}`, () => {
      assert.throws(() => createSigner({ key })(claims), { name: 'KeyturnError', code: 'ERR_CLAIMS_INVALID' });
    });
  }

  it('do not stop it from signing good ones afterwards', () => {
    const sign = createSigner({ key });
    assert.throws(() => sign({ text: 'x'.repeat(70_000) }), { code: 'ERR_CLAIMS_INVALID' });
    assert.equal(createVerifier({ key })(sign(deep(32)))['a'] instanceof Object, true);
  });

  it('are those that no verifier of ours would take back', () => {
    for (const claims of [{ exp: -1 }, { exp: 1e300 }, { nbf: -5 }, { iat: 2 ** 60 }, { sid: 7 }, { sid: null }, { aud: [] }]) {
      assert.throws(() => createSigner({ key, expiresIn: false })(claims), { code: 'ERR_CLAIMS_INVALID' }, inspect(claims));
    }
  });
});

describe('the options of createSigner', () => {
  const durations: readonly unknown[] = [null, NaN, Infinity, -1, true, '', 'a', '5', '5M', '5 m', [], ['5m'], [undefined], {}, 5n, '3651d', new Date(0)];
  const texts: readonly unknown[] = [null, '', 7, NaN, Infinity, true, false, [], ['a'], [undefined], {}, new String('a'), '\ud800'];
  const lists: readonly unknown[] = [null, '', 7, NaN, Infinity, true, [], [undefined], [null], [''], ['a', 7], [['a']], {}, new Set(['a']), '\ud800', ['\ud800']];
  const keys: readonly unknown[] = [undefined, null, '', 'secret', Buffer.alloc(32, 1), {}, [], [key], [undefined], { alg: 'HS256' }, NaN, TEST_KEYS[0]?.raw];
  const wrong: Readonly<Record<string, readonly unknown[]>> = {
    key: keys, issuer: texts, audience: lists, typ: texts, expiresIn: [...durations, 0, 0.5, '0s', '999ms'], notBefore: [...durations, false],
  };
  for (const [option, values] of Object.entries(wrong)) {
    for (const value of values) {
      it(`refuse ${option}: ${typeof value} ${inspect(value).slice(0, 40)}`, () => {
        assert.throws(() => signerOf({ [option]: value }), { code: 'ERR_OPTION_INVALID', claim: option, message: new RegExp(`^${option} must be `) });
      });
    }
  }

  it('are needed', () => {
    for (const options of [undefined, null, [], 'key', 7, key]) {
      assert.throws(() => createSigner(options as unknown as SignerOptions), { code: 'ERR_OPTION_INVALID' });
    }
  });

  it('are all known', () => {
    assert.throws(() => signerOf({ expiresin: '5m' }), { code: 'ERR_OPTION_UNKNOWN', message: "createSigner() has no option 'expiresin'; did you mean 'expiresIn'?" });
    assert.throws(() => signerOf({ algorithm: 'HS256' }), { code: 'ERR_OPTION_UNKNOWN', message: /the options are key, issuer/ });
    assert.throws(() => signerOf(JSON.parse('{"__proto__":1}') as object), { code: 'ERR_OPTION_UNKNOWN' });
  });

  it('say how to sign without expiry', () => {
    assert.throws(() => signerOf({ expiresIn: 0 }), { code: 'ERR_OPTION_INVALID', message: /false signs without expiry$/ });
  });

  it('refuse a key that can only verify', () => {
    const [, ed] = TEST_KEYS;
    assert.ok(ed !== undefined);
    const verifying = importKey(createPublicKey(ed.raw), { alg: 'EdDSA' });
    assert.throws(() => createSigner({ key: verifying }), { code: 'ERR_KEY_INVALID', message: 'a public key cannot sign' });
  });

  it('are read once', () => {
    const audience = ['a'];
    const options = { key, audience, issuer: 'i' };
    const sign = createSigner(options);
    audience.push('b');
    options.issuer = 'x';
    const { iss, aud } = payloadOf(sign({})) as { iss: unknown; aud: unknown };
    assert.deepEqual([iss, aud], ['i', 'a']);
  });
});

describe('the options of one call', () => {
  const wrong: Readonly<Record<string, readonly unknown[]>> = {
    subject: [null, '', 7, NaN, true, [], ['a'], {}, '\ud800'],
    jti: [null, '', 7, NaN, true, [], ['a'], {}, 'a\udfff'],
    expiresIn: [null, NaN, Infinity, -1, 0, 0.5, false, true, '', '5', '999ms', [], [undefined], {}],
  };
  for (const [option, values] of Object.entries(wrong)) {
    for (const value of values) {
      it(`refuse ${option}: ${inspect(value)}`, () => {
        assert.throws(() => signWrong({}, { [option]: value }), { code: 'ERR_OPTION_INVALID', claim: option });
      });
    }
  }

  it('are all known', () => {
    assert.throws(() => signWrong({}, { sub: 'a' }), { code: 'ERR_OPTION_UNKNOWN', message: /has no option 'sub'/ });
    assert.throws(() => signWrong({}, { issuer: 'a' }), { code: 'ERR_OPTION_UNKNOWN', message: /the options are subject, jti, expiresIn$/ });
    for (const call of [null, 'alice', 7, []]) assert.throws(() => signWrong({}, call), { code: 'ERR_OPTION_INVALID' });
  });

  it('take a subject and a jti of at most 1024 bytes', () => {
    for (const option of ['subject', 'jti']) {
      const sign = (text: string) => createSigner({ key })({}, { [option]: text });
      assert.equal(Object.values(createVerifier({ key })(sign('\u0141'.repeat(512)))).includes('\u0141'.repeat(512)), true);
      for (const text of ['\u0141'.repeat(513), 'x'.repeat(1025), `${'x'.repeat(1024)}\u{1f600}`, `${'x'.repeat(1023)}\u{1f600}`, 'x'.repeat(10_000_000)]) {
        assert.throws(() => sign(text), { code: 'ERR_CLAIMS_INVALID', message: /at most 1024 bytes/ });
      }
    }
  });
});
