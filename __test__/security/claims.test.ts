import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';

import { createSigner, createVerifier } from 'keyturn';

import { alive, aliveText, type Content, rawToken, segment } from '../support/raw-token.js';
import { TEST_KEYS } from '../support/test-keys.js';

const NOW = 1_800_000_000_000;
const SECOND = 1_800_000_000;

/** Verifies this payload, signed by each key, and expects the code, or the same from a claim. */
function refuses(payload: Content, code: string, options: object = {}, claim?: string): void {
  for (const { alg, key, raw } of TEST_KEYS) {
    const expected = claim === undefined ? { code } : { code, claim };
    assert.throws(() => createVerifier({ key, ...options })(rawToken({ alg }, payload, raw)), expected, inspect(payload));
  }
}

/** Returns what the verifier of the first key makes of the payload; the others must agree. */
function accepts(payload: Content, options: object = {}): Readonly<Record<string, unknown>> {
  const [first, ...others] = TEST_KEYS.map(({ alg, key, raw }) => createVerifier({ key, ...options })(rawToken({ alg }, payload, raw)));
  assert.ok(first !== undefined);
  for (const other of others) assert.deepEqual(other, first);
  return first;
}

describe('J14: a member that stands there twice', () => {
  const members: readonly string[] = [
    '"sub":"alice","sub":"admin"', '"sub":"admin","sub":"admin"', '"exp":1', '"exp":99999999999', '"\\u0065xp":99999999999', '"s\\u0075b":"a","sub":"b"', '"aud":"a","aud":["b"]',
    '"a":{"b":1,"b":2}', '"a":[{"b":1,"c":2,"b":3}]', '"":1,"":2', '"\\/":1,"/":2', '"\\u00e9":1,"\u00e9":2', '"\\ud83d\\ude00":1,"\u{1f600}":2',
    `${Array.from({ length: 40 }, (_, index) => `"m${index}":0`).join()},"m39":1`,
    `${Array.from({ length: 40 }, (_, index) => `"m${index}":0`).join()},"\\u006d0":1`,
  ];
  for (const text of members) {
    it(`is refused: ${text.slice(0, 40)}`, () => refuses(aliveText(text), 'ERR_TOKEN_MALFORMED'));
  }

  it('is not the same as two members of like names', () => {
    accepts(aliveText('"a":1,"A":2,"a ":3,"\u00e9":4,"e\u0301":5,"b":{"a":1}'));
  });
});

describe('J15: times', () => {
  const never: readonly string[] = ['"123"', '"99999999999"', 'null', 'true', 'false', '[]', '[99999999999]', '{}', '-1', '-0.0', '-0', '-1e-400', '1e400', '-1e400', '1e300', '9007199254740992', '9223372036854775808', '18446744073709551616', '1e16'];
  for (const claim of ['exp', 'nbf', 'iat']) {
    for (const value of never) {
      it(`refuses ${claim}: ${value}`, () => {
        const text = claim === 'exp' ? `{"exp":${value}}` : aliveText(`"${claim}":${value}`);
        refuses(text, 'ERR_CLAIM_INVALID', {}, claim);
        refuses(text, 'ERR_CLAIM_INVALID', { required: [] }, claim);
      });
    }

    for (const value of ['NaN', 'Infinity', '0x10', '01', '+1', '.5', '1.', '1e', '1_000', '\u0661']) {
      it(`refuses ${claim}: ${value}, which is no JSON`, () => refuses(claim === 'exp' ? `{"exp":${value}}` : aliveText(`"${claim}":${value}`), 'ERR_TOKEN_MALFORMED'));
    }
  }

  it('refuses a token in the very millisecond in which it runs out, and takes it in the one before', (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: NOW });
    refuses({ exp: SECOND }, 'ERR_TOKEN_EXPIRED');
    refuses({ exp: SECOND - 1 }, 'ERR_TOKEN_EXPIRED');
    refuses({ exp: SECOND - 30 }, 'ERR_TOKEN_EXPIRED');
    refuses({ exp: 0 }, 'ERR_TOKEN_EXPIRED');
    refuses('{"exp":1799999999.9999}', 'ERR_TOKEN_EXPIRED');
    refuses('{"exp":1e9}', 'ERR_TOKEN_EXPIRED');
    t.mock.timers.setTime(NOW - 1);
    accepts({ exp: SECOND });
  });

  it('does not round, and reads every way to write a number', (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: NOW });
    for (const exp of ['1800000000.001', '1800000001', '1.800000001e9', '18000000010E-1', '1800000000.5']) assert.equal(accepts(`{"exp":${exp}}`).exp, Number(exp));
    refuses('{"exp":1800000000.0004,"x":"less than a millisecond"}'.replace('0004', '0000'), 'ERR_TOKEN_EXPIRED');
  });

  it('refuses a token before nbf, also by a fraction', (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: NOW });
    for (const nbf of ['1800000001', '1800000000.001', '9007199254740991']) refuses(`{"exp":1800000060,"nbf":${nbf}}`, 'ERR_TOKEN_NOT_ACTIVE');
    for (const nbf of ['1800000000', '0', '1799999999.999']) accepts(`{"exp":1800000060,"nbf":${nbf}}`);
  });

  it('takes an iat in the future, since nothing in RFC 7519 forbids it, unless a maxAge asks how old the token is', () => {
    accepts(alive({ iat: 99_999_999_999 }));
    refuses(alive({ iat: 99_999_999_999 }), 'ERR_CLAIM_INVALID', { maxAge: '1h' }, 'iat');
  });

  it('wants exp unless told otherwise', () => {
    refuses({}, 'ERR_CLAIM_MISSING', {}, 'exp');
    refuses({ expires: 99_999_999_999 }, 'ERR_CLAIM_MISSING', {}, 'exp');
    accepts({}, { required: [] });
  });
});

describe('J16: poisoned options', () => {
  const key = TEST_KEYS[0]?.key;
  assert.ok(key !== undefined);
  const poison: readonly (readonly [option: string, values: readonly unknown[]])[] = [
    ['clockTolerance', [NaN, Infinity, -Infinity, -1, null, '', [], [NaN], {}, '1e999s']],
    ['maxAge', [NaN, Infinity, -1, null, '', [], {}]],
    ['maxTokenBytes', [NaN, Infinity, 0, -1, null, '8192', [], {}]],
    ['issuer', [[], [undefined], [null], [''], '', null, [NaN], new Array(1), Object.assign([], { length: 1 })]],
    ['audience', [[], [undefined], [null], [''], '', null, [[]], new Array(1)]],
    ['algorithms', [[], [undefined], [null], [''], '', null, new Array(1), ['none'], ['HS256', undefined]]],
    ['required', [[undefined], [null], [''], '', null, new Array(1), NaN, {}]],
    ['subject', ['', null, NaN, [], [undefined]]],
    ['typ', ['', null, NaN, [], [undefined]]],
  ];
  for (const [option, values] of poison) {
    it(`stop the verifier from being made: ${option}`, () => {
      for (const value of values) {
        assert.throws(() => createVerifier({ key, [option]: value }), { code: 'ERR_OPTION_INVALID', claim: option });
      }
    });
  }
});

describe('J17: claims of another type', () => {
  const table: readonly (readonly [claims: string, options: object, code: string, claim: string])[] = [
    ['"iss":["good","evil"]', { issuer: 'good' }, 'ERR_CLAIM_INVALID', 'iss'],
    ['"iss":["good"]', { issuer: 'good' }, 'ERR_CLAIM_INVALID', 'iss'],
    ['"iss":["good"]', {}, 'ERR_CLAIM_INVALID', 'iss'],
    ['"iss":{"toString":"good"}', { issuer: 'good' }, 'ERR_CLAIM_INVALID', 'iss'],
    ['"iss":7', {}, 'ERR_CLAIM_INVALID', 'iss'],
    ['"iss":null', {}, 'ERR_CLAIM_INVALID', 'iss'],
    ['"iss":"goodevil"', { issuer: 'good' }, 'ERR_CLAIM_INVALID', 'iss'],
    ['"iss":""', { issuer: 'good' }, 'ERR_CLAIM_INVALID', 'iss'],
    ['"iss":"good\\u0000"', { issuer: 'good' }, 'ERR_CLAIM_INVALID', 'iss'],
    ['"aud":"https://api.example.evil"', { audience: 'https://api.example' }, 'ERR_CLAIM_INVALID', 'aud'],
    ['"aud":"api"', { audience: 'https://api.example' }, 'ERR_CLAIM_INVALID', 'aud'],
    ['"aud":""', { audience: 'a' }, 'ERR_CLAIM_INVALID', 'aud'],
    ['"aud":null', { audience: 'a' }, 'ERR_CLAIM_INVALID', 'aud'],
    ['"aud":null', {}, 'ERR_CLAIM_INVALID', 'aud'],
    ['"aud":7', {}, 'ERR_CLAIM_INVALID', 'aud'],
    ['"aud":{"0":"a","length":1}', { audience: 'a' }, 'ERR_CLAIM_INVALID', 'aud'],
    ['"aud":[["a"]]', { audience: 'a' }, 'ERR_CLAIM_INVALID', 'aud'],
    ['"aud":["a",null]', { audience: 'a' }, 'ERR_CLAIM_INVALID', 'aud'],
    ['"aud":["a",7]', { audience: 'a' }, 'ERR_CLAIM_INVALID', 'aud'],
    ['"aud":["b","ab","A"]', { audience: 'a' }, 'ERR_CLAIM_INVALID', 'aud'],
    ['"aud":[]', { audience: 'a' }, 'ERR_CLAIM_INVALID', 'aud'],
    ['"sub":["alice"]', { subject: 'alice' }, 'ERR_CLAIM_INVALID', 'sub'],
    ['"sub":{"a":1}', {}, 'ERR_CLAIM_INVALID', 'sub'],
    ['"sub":true', {}, 'ERR_CLAIM_INVALID', 'sub'],
    ['"jti":7', {}, 'ERR_CLAIM_INVALID', 'jti'],
    ['"sid":["a"]', {}, 'ERR_CLAIM_INVALID', 'sid'],
  ];
  for (const [claims, options, code, claim] of table) {
    it(`are refused: ${claims} for ${JSON.stringify(options)}`, () => refuses(aliveText(claims), code, options, claim));
  }

  it('are judged by what they mean, not by how they are written', () => {
    accepts(aliveText('"is\\u0073":"g\\u006fod"'), { issuer: 'good' });
    accepts(aliveText('"aud":["x","\\u0061"]'), { audience: 'a' });
    refuses(aliveText('"\\u0061ud":"x"'), 'ERR_CLAIM_INVALID', {}, 'aud');
    refuses('{"\\u0065xp":1}', 'ERR_TOKEN_EXPIRED');
  });

  for (const payload of ['[]', '[{"exp":99999999999}]', '"text"', '"{\\"exp\\":99999999999}"', '7', 'true', 'null', '']) {
    it(`a payload that is ${payload === '' ? 'empty' : payload} is refused`, () => {
      refuses(payload, 'ERR_TOKEN_MALFORMED');
      refuses(payload, 'ERR_TOKEN_MALFORMED', { required: [] });
    });
  }
});

describe('J26: names that mean something to JavaScript', () => {
  it('__proto__ is refused anywhere, however it is written', () => {
    for (const text of ['"__proto__":{"isAdmin":true}', '"a":{"__proto__":1}', '"a":[[{"__proto__":null}]]', '"__pr\\u006fto__":1', '"\\u005f_proto__":{}']) refuses(aliveText(text), 'ERR_TOKEN_MALFORMED');
  });

  it('constructor, toString and the like are claims as all others, and change nothing', () => {
    const text = '"constructor":{"prototype":{"isAdmin":true}},"toString":"x","hasOwnProperty":1,"valueOf":null,"__defineGetter__":1,"prototype":{"a":1}';
    const claims = accepts(aliveText(text));
    assert.equal(Object.getPrototypeOf(claims), Object.prototype);
    assert.deepEqual(Object.keys(claims), ['exp', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__', 'prototype']);
    assert.equal(({} as { isAdmin?: boolean }).isAdmin, undefined);
  });

  it('are not found where nobody wrote them', () => {
    for (const name of ['constructor', 'toString', '__proto__']) refuses(alive(), 'ERR_CLAIM_MISSING', { required: [name] }, name);
  });
});

describe('J27: text', () => {
  it('half of a surrogate pair is refused, in names and in values', () => {
    for (const text of ['"a":"\\ud800"', '"a":"\\udfff"', '"a":"\\ud800\\ud800"', '"a":"\\udc00\\ud800"', '"a":"\\ud83dx"', '"\\ud800":1', '"a":[["\\uDBFF"]]', '"sub":"alice\\ud800"']) refuses(aliveText(text), 'ERR_TOKEN_MALFORMED');
  });

  it('whole characters come through unaltered: NUL, the last of Unicode, unassigned ones, both spellings of an accent', () => {
    const text = '\u0000\u001f\u007f\u2028\u{1f600}\u{10ffff}\uffff\ufeff\u00e9e\u0301';
    assert.equal(accepts(alive({ sub: text })).sub, text);
    assert.equal(accepts(aliveText('"sub":"\\ud83d\\ude00\\u0000\\/"')).sub, '\u{1f600}\0/');
  });

  it('a NUL does not end a name', () => {
    refuses(alive({ sub: 'admin\0x' }), 'ERR_CLAIM_INVALID', { subject: 'admin' }, 'sub');
    refuses(alive({ 'exp\0': 1, sub: 'a' }), 'ERR_CLAIM_MISSING', { required: ['exp', 'nbf'] }, 'nbf');
  });

  it('bytes that are no UTF-8 are refused, and none is replaced', () => {
    for (const bytes of [[0x80], [0xff], [0xc0, 0x80], [0xc1, 0xbf], [0xe0, 0x80, 0xaf], [0xed, 0xa0, 0x80], [0xed, 0xbf, 0xbf], [0xf0, 0x80, 0x80, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc3], [0xe2, 0x82]]) {
      refuses(Buffer.concat([Buffer.from(`${JSON.stringify(alive()).slice(0, -1)},"sub":"`), Buffer.from(bytes), Buffer.from('"}')]), 'ERR_TOKEN_MALFORMED');
    }
  });

  it('a byte order mark is refused, in UTF-8 and in UTF-16', () => {
    const text = JSON.stringify(alive());
    refuses(`\ufeff${text}`, 'ERR_TOKEN_MALFORMED');
    refuses(`${text}\ufeff`, 'ERR_TOKEN_MALFORMED');
    for (const mark of ['', '\ufeff']) refuses(Buffer.from(mark + text, 'utf16le'), 'ERR_TOKEN_MALFORMED');
  });
});

describe('J28: numbers', () => {
  it('are what JSON.parse makes of them', () => {
    const text = '"a":12345678901234567890,"b":9007199254740993,"c":1e19,"d":1e400,"e":-0,"f":5e-324,"g":0.1,"h":1E+2,"i":123456789.123456789';
    const payload = aliveText(text);
    const claims = accepts(payload);
    assert.deepEqual(claims, JSON.parse(payload));
    assert.deepEqual([claims['a'], claims['b'], claims['d'], Object.is(claims['e'], -0)], [12345678901234567000, 9007199254740992, Infinity, true]);
  });
});

describe('what is not JSON', () => {
  const texts = ['{', '}', '{}x', '{}{}', '{},', "{'exp':1}", '{exp:1}', '{"exp":1,}', '{"exp" 1}', '{"exp":1 "a":2}', '{"a":tru}', '{"a":undefined}', '{"a":NaN}', '{"a":"\n"}', '{"a":"\\x41"}', '{"a":"\\u12"}', '{"a":"', '{"a":[1,]}', '{"a":[1}', '{/**/}', '\0{}', '{}\0', '\u00a0{}', '\v{}', 'foo'];
  for (const text of texts) {
    it(`is refused: ${JSON.stringify(text)}`, () => {
      refuses(text, 'ERR_TOKEN_MALFORMED');
      refuses(text, 'ERR_TOKEN_MALFORMED', { required: [] });
    });
  }

  it('is refused only after the signature, so that nothing unsigned is read', () => {
    const [one, other] = TEST_KEYS;
    assert.ok(one !== undefined && other !== undefined);
    for (const { alg, key } of TEST_KEYS) {
      const foreign = rawToken({ alg }, 'foo', alg === one.alg ? other.raw : one.raw);
      assert.throws(() => createVerifier({ key })(foreign), { code: 'ERR_SIGNATURE_INVALID' });
    }
  });
});

describe('J20: a token that was good a moment ago', () => {
  for (const cache of [false, true]) {
    it(`is judged anew each time${cache ? ', remembered or not' : ''}: by the clock, by the options and by the key of this verifier`, (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: NOW });
      for (const { key } of TEST_KEYS) {
        const token = createSigner({ key, expiresIn: 10, audience: 'a', issuer: 'i' })({});
        const verify = createVerifier({ key, audience: 'a', cache });
        const strict = createVerifier({ key, audience: 'b', cache });
        for (let round = 0; round < 3; round += 1) {
          verify(token);
          assert.throws(() => strict(token), { code: 'ERR_CLAIM_INVALID' });
        }
        t.mock.timers.setTime(NOW + 10_000);
        assert.throws(() => verify(token), { code: 'ERR_TOKEN_EXPIRED' });
        t.mock.timers.setTime(NOW);
        for (const other of TEST_KEYS.filter((one) => one.key !== key)) assert.throws(() => createVerifier({ key: other.key, cache })(token), { name: 'KeyturnError' });
      }
    });
  }

  it('never answers for a token of the same issuer, audience and length', () => {
    for (const { alg, key, raw } of TEST_KEYS) {
      const verify = createVerifier({ key, audience: 'a', issuer: 'i', cache: true });
      const tokens = ['alice', 'admin'].map((sub) => rawToken({ alg }, alive({ sub, aud: 'a', iss: 'i' }), raw));
      for (let round = 0; round < 3; round += 1) assert.deepEqual(tokens.map((token) => verify(token).sub), ['alice', 'admin']);
    }
  });

  it('is not found by a forgery that ends as it does', () => {
    for (const { alg, key, raw } of TEST_KEYS) {
      const verify = createVerifier({ key, cache: true });
      const [header = '', payload = '', tag = ''] = rawToken({ alg }, alive({ sub: 'alice' }), raw).split('.');
      verify(`${header}.${payload}.${tag}`);
      const forged = segment(alive({ sub: 'admin' }));
      for (let round = 0; round < 2; round += 1) {
        assert.throws(() => verify(`${header}.${forged}.${tag}`), { code: 'ERR_SIGNATURE_INVALID' });
        assert.throws(() => verify(`${segment({ alg, typ: 'x' })}.${payload}.${tag}`), { code: 'ERR_SIGNATURE_INVALID' });
      }
      assert.equal(verify(`${header}.${payload}.${tag}`).sub, 'alice');
    }
  });
});
