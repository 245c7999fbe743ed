import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';

import { generateKey } from '../../dist/keys/generate.js';
import { importKey } from '../../dist/keys/import.js';
import type { Key } from '../../dist/keys/key.js';
import { createSessions } from '../../dist/sessions/create.js';
import { createSigner } from '../../dist/tokens/signer.js';
import { createVerifier, type VerifierOptions } from '../../dist/tokens/verifier.js';
import { alive, rawToken } from '../support/raw-token.js';
import { TEST_KEYS, testKey } from '../support/test-keys.js';

const NOW = 1_800_000_000_000;
const SECOND = 1_800_000_000;
const { key, raw } = testKey('HS256');
const verifierOf = (options: object) => createVerifier({ key, ...options });
const token = (claims: Readonly<Record<string, unknown>>, header: object = {}) => rawToken({ alg: 'HS256', ...header }, claims, raw);
/** Verifies claims that are alive under these options. */
const judge = (claims: Readonly<Record<string, unknown>>, options: object = {}) => verifierOf(options)(token(alive(claims)));

describe('createVerifier', () => {
  for (const { alg, key: own } of TEST_KEYS) {
    it(`returns the claims of a good ${alg} token, the same through a promise`, async () => {
      const verify = createVerifier({ key: own });
      const signed = createSigner({ key: own, expiresIn: '1h' })({ sub: 'alice', deep: { list: [1, '\u0141', null] } });
      const claims = verify(signed);
      assert.equal(claims.sub, 'alice');
      assert.deepEqual(claims['deep'], { list: [1, '\u0141', null] });
      assert.deepEqual(await verify.async(signed), claims);
    });
  }

  it('verifies with the public half of a private key, and with the public key alone', () => {
    const { key: own, raw: ownRaw } = testKey('EdDSA');
    const signed = createSigner({ key: own })({ sub: 'alice' });
    for (const one of [own, importKey(createPublicKey(ownRaw), { alg: 'EdDSA' })]) assert.equal(createVerifier({ key: one })(signed).sub, 'alice');
  });

  it('gives each caller claims of its own', () => {
    const verify = verifierOf({});
    const signed = token(alive({ roles: ['user'] }));
    (verify(signed)['roles'] as string[]).push('admin');
    assert.deepEqual(verify(signed)['roles'], ['user']);
  });

  it('rejects through the promise and never throws beside it', async () => {
    const verify = verifierOf({});
    await assert.rejects(verify.async('a.b.c'), { code: 'ERR_TOKEN_MALFORMED' });
    await assert.rejects(verify.async(7 as unknown as string), { code: 'ERR_TOKEN_MALFORMED' });
  });

  it('answers good and bad tokens in any order, whatever it remembers of the last', () => {
    const [hmac, ed] = [testKey('HS256', 'h'), testKey('EdDSA', 'e')];
    const verify = createVerifier({ key: [hmac.key, ed.key] });
    const other = createVerifier({ key: hmac.key });
    const good = [hmac, ed].map((one) => createSigner({ key: one.key })({ sub: one.alg }));
    const bad: readonly (readonly [token: string, code: string])[] = [
      [rawToken({ alg: 'HS256', kid: 'h' }, alive(), ed.raw), 'ERR_SIGNATURE_INVALID'],
      [rawToken({ alg: 'EdDSA', kid: 'h' }, alive(), ed.raw), 'ERR_ALGORITHM_NOT_ALLOWED'],
      [rawToken({ alg: 'EdDSA', kid: 'x' }, alive(), ed.raw), 'ERR_KEY_UNKNOWN'],
      [rawToken({ alg: 'none' }, alive(), ed.raw), 'ERR_ALGORITHM_NOT_ALLOWED'],
      ['', 'ERR_TOKEN_MALFORMED'],
      ['x'.repeat(9000), 'ERR_TOKEN_TOO_LARGE'],
    ];
    for (const one of [...good, ...good.toReversed()]) {
      for (const [refused, code] of bad) {
        assert.equal(typeof verify(one).sub, 'string');
        assert.throws(() => verify(refused), { code });
      }
    }
    assert.throws(() => other(good[1] ?? ''), { code: 'ERR_ALGORITHM_NOT_ALLOWED' });
    assert.equal(other(good[0] ?? '').sub, 'HS256');
  });
});

describe('the time of a token', () => {
  it('is over in the very second that exp names', (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: NOW });
    const signed = createSigner({ key, expiresIn: '10s' })({});
    const verify = verifierOf({});
    verify(signed);
    t.mock.timers.setTime(NOW + 9_999);
    verify(signed);
    t.mock.timers.setTime(NOW + 10_000);
    assert.throws(() => verify(signed), { code: 'ERR_TOKEN_EXPIRED' });
    t.mock.timers.setTime(NOW);
    assert.equal(verify(signed).exp, SECOND + 10);
  });

  it('has not come before the second that nbf names', (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: NOW });
    const signed = createSigner({ key, notBefore: '10s' })({});
    assert.throws(() => verifierOf({})(signed), { code: 'ERR_TOKEN_NOT_ACTIVE' });
    t.mock.timers.setTime(NOW + 9_999);
    assert.throws(() => verifierOf({})(signed), { code: 'ERR_TOKEN_NOT_ACTIVE' });
    t.mock.timers.setTime(NOW + 10_000);
    verifierOf({})(signed);
  });

  it('is never rounded', (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: NOW + 500 });
    assert.throws(() => verifierOf({})(token({ exp: SECOND + 0.5 })), { code: 'ERR_TOKEN_EXPIRED' });
    verifierOf({})(token({ exp: SECOND + 0.501 }));
    assert.throws(() => verifierOf({})(token({ exp: SECOND + 9, nbf: SECOND + 0.501 })), { code: 'ERR_TOKEN_NOT_ACTIVE' });
    verifierOf({})(token({ exp: SECOND + 9, nbf: SECOND + 0.5 }));
  });

  it('is as wide as clockTolerance, and no wider', (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: NOW });
    const verify = verifierOf({ clockTolerance: '5s', maxAge: '1m' });
    const at = (claims: object): string => token({ iat: SECOND, exp: SECOND + 60, ...claims });
    verify(at({ exp: SECOND - 4 }));
    assert.throws(() => verify(at({ exp: SECOND - 5 })), { code: 'ERR_TOKEN_EXPIRED' });
    verify(at({ nbf: SECOND + 5 }));
    assert.throws(() => verify(at({ nbf: SECOND + 6 })), { code: 'ERR_TOKEN_NOT_ACTIVE' });
    verify(at({ iat: SECOND - 64 }));
    assert.throws(() => verify(at({ iat: SECOND - 65 })), { code: 'ERR_TOKEN_TOO_OLD' });
    verify(at({ iat: SECOND + 5 }));
    assert.throws(() => verify(at({ iat: SECOND + 6 })), { code: 'ERR_CLAIM_INVALID', claim: 'iat' });
  });

  it('is at most maxAge after iat, which must then be there and not in the future', (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: NOW });
    const verify = verifierOf({ maxAge: 60 });
    const exp = SECOND + 600;
    verify(token({ exp, iat: SECOND - 59 }));
    assert.throws(() => verify(token({ exp, iat: SECOND - 60 })), { code: 'ERR_TOKEN_TOO_OLD' });
    assert.throws(() => verify(token({ exp })), { code: 'ERR_CLAIM_MISSING', claim: 'iat' });
    assert.throws(() => verify(token({ exp, iat: SECOND + 1 })), { code: 'ERR_CLAIM_INVALID', claim: 'iat' });
    assert.equal(verifierOf({})(token({ exp, iat: SECOND + 1_000_000 })).iat, SECOND + 1_000_000);
  });

  it('is over for everything when the clock gives none', (t) => {
    const signed = createSigner({ key, expiresIn: '3650d' })({});
    for (const time of [NaN, -1, Infinity, undefined]) {
      const clock = t.mock.method(Date, 'now', () => time as number);
      assert.throws(() => verifierOf({})(signed), { code: 'ERR_TOKEN_EXPIRED' });
      clock.mock.restore();
    }
  });
});

describe('what a verifier asks of the claims', () => {
  const good: readonly (readonly [claims: object, options: object])[] = [
    [{}, {}],
    [{ iss: 'anybody', sub: 'anybody' }, {}],
    [{ iss: 'i' }, { issuer: 'i' }],
    [{ iss: 'j' }, { issuer: ['i', 'j'] }],
    [{ aud: 'a' }, { audience: 'a' }],
    [{ aud: ['x', 'a'] }, { audience: ['b', 'a'] }],
    [{ sub: 's' }, { subject: 's' }],
    [{ scope: null }, { required: ['exp', 'scope'] }],
    [{ 'a b': 0, jti: 'j' }, { required: ['jti', 'a b'] }],
  ];
  for (const [claims, options] of good) {
    it(`is met by ${inspect(claims)} for ${inspect(options)}`, () => {
      const { exp, ...rest } = judge(claims as Record<string, unknown>, options);
      assert.deepEqual([typeof exp, rest], ['number', claims]);
    });
  }

  const bad: readonly (readonly [claims: object, options: object, code: string, claim: string])[] = [
    [{}, { issuer: 'i' }, 'ERR_CLAIM_MISSING', 'iss'],
    [{ iss: 'I' }, { issuer: 'i' }, 'ERR_CLAIM_INVALID', 'iss'],
    [{ iss: 'i ' }, { issuer: ['i', 'j'] }, 'ERR_CLAIM_INVALID', 'iss'],
    [{}, { audience: 'a' }, 'ERR_CLAIM_MISSING', 'aud'],
    [{ aud: 'ab' }, { audience: 'a' }, 'ERR_CLAIM_INVALID', 'aud'],
    [{ aud: ['b', 'c'] }, { audience: ['a', 'd'] }, 'ERR_CLAIM_INVALID', 'aud'],
    [{ aud: [] }, { audience: 'a' }, 'ERR_CLAIM_INVALID', 'aud'],
    [{ aud: 'a' }, {}, 'ERR_CLAIM_INVALID', 'aud'],
    [{ aud: [] }, {}, 'ERR_CLAIM_INVALID', 'aud'],
    [{}, { subject: 's' }, 'ERR_CLAIM_MISSING', 'sub'],
    [{ sub: 't' }, { subject: 's' }, 'ERR_CLAIM_INVALID', 'sub'],
    [{}, { required: ['exp', 'scope'] }, 'ERR_CLAIM_MISSING', 'scope'],
    [{ a: { scope: 1 } }, { required: ['scope'] }, 'ERR_CLAIM_MISSING', 'scope'],
    [{ scope: 1 }, { required: ['scope', 'constructor'] }, 'ERR_CLAIM_MISSING', 'constructor'],
    [{ sid: 7 }, {}, 'ERR_CLAIM_INVALID', 'sid'],
  ];
  for (const [claims, options, code, claim] of bad) {
    it(`is not met by ${inspect(claims)} for ${inspect(options)}`, () => {
      assert.throws(() => judge(claims as Record<string, unknown>, options), { code, claim, message: new RegExp(`: ${claim}\\.$`) });
    });
  }

  it('includes exp, unless a list without it is given', () => {
    assert.throws(() => verifierOf({})(token({ sub: 's' })), { code: 'ERR_CLAIM_MISSING', claim: 'exp' });
    assert.throws(() => verifierOf({ required: ['exp', 'sub'] })(token({ sub: 's' })), { code: 'ERR_CLAIM_MISSING', claim: 'exp' });
    for (const required of [[], ['sub'], 'sub']) {
      const verify = verifierOf({ required });
      assert.deepEqual(verify(token({ sub: 's' })), { sub: 's' });
      assert.throws(() => verify(token({ sub: 's', exp: 1 })), { code: 'ERR_TOKEN_EXPIRED' });
    }
  });

  it('includes up to 64 claims by name', () => {
    const names = Array.from({ length: 64 }, (_, index) => `c${index}`);
    const claims = Object.fromEntries(names.map((name) => [name, 0]));
    judge(claims, { required: names });
    for (const name of ['c0', 'c1', 'c63']) {
      assert.throws(() => judge({ ...claims, [name]: undefined }, { required: names }), { code: 'ERR_CLAIM_MISSING', claim: name });
    }
    assert.throws(() => verifierOf({ required: [...names, 'c64'] }), { code: 'ERR_OPTION_INVALID', message: /at most 64/ });
  });

  it('includes the type of the header, whatever its case and with application/ or without', () => {
    const exp = alive();
    for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/AT+jwt']) {
      for (const asked of ['at+jwt', 'application/at+JWT']) verifierOf({ typ: asked })(token(exp, { typ }));
    }
    for (const header of [{}, { typ: 'JWT' }, { typ: 'at+jwt ' }, { typ: 'text/at+jwt' }, { typ: 'application/application/at+jwt' }]) {
      assert.throws(() => verifierOf({ typ: 'at+jwt' })(token(exp, header)), { code: 'ERR_TOKEN_TYPE' });
    }
    verifierOf({})(token(exp, { typ: 'anything' }));
  });
});

describe('the keys of a verifier', () => {
  const [old, current, unnamed] = [testKey('EdDSA', 'old'), testKey('EdDSA', 'current'), testKey('HS256')];
  const verify = createVerifier({ key: [old.key, current.key, unnamed.key] });

  it('are chosen by kid', () => {
    for (const one of [old, current]) verify(createSigner({ key: one.key })({}));
    assert.throws(() => verify(rawToken({ alg: 'EdDSA', kid: 'old' }, alive(), current.raw)), { code: 'ERR_SIGNATURE_INVALID' });
    assert.throws(() => verify(rawToken({ alg: 'EdDSA', kid: 'older' }, alive(), current.raw)), { code: 'ERR_KEY_UNKNOWN' });
    assert.throws(() => verify(rawToken({ alg: 'HS256', kid: 'old' }, alive(), unnamed.raw)), { code: 'ERR_ALGORITHM_NOT_ALLOWED' });
  });

  it('are tried one after the other for a token without a kid', () => {
    for (const one of [old, current]) verify(rawToken({ alg: 'EdDSA' }, alive(), one.raw));
    assert.throws(() => verify(rawToken({ alg: 'EdDSA' }, alive(), testKey('EdDSA').raw)), { code: 'ERR_SIGNATURE_INVALID' });
  });

  it('fit any kid if they have no name', () => {
    verify(rawToken({ alg: 'HS256', kid: 'whatever the issuer calls it' }, alive(), unnamed.raw));
  });

  it('are narrowed by algorithms', () => {
    const narrowed = createVerifier({ key: [current.key, unnamed.key], algorithms: ['EdDSA'] });
    narrowed(createSigner({ key: current.key })({}));
    assert.throws(() => narrowed(createSigner({ key: unnamed.key })({})), { code: 'ERR_ALGORITHM_NOT_ALLOWED' });
    assert.throws(() => createVerifier({ key: unnamed.key, algorithms: ['EdDSA'] }), { code: 'ERR_OPTION_INVALID', message: 'no key has one of the algorithms' });
  });

  it('are 1 to 32, each kid once', () => {
    const many = (count: number): Key[] => Array.from({ length: count }, () => generateKey('HS256'));
    const most = many(32);
    for (const one of most) createVerifier({ key: most })(createSigner({ key: one })({}));
    assert.throws(() => createVerifier({ key: [] }), { code: 'ERR_KEY_INVALID', message: 'at least one key is needed' });
    assert.throws(() => createVerifier({ key: many(33) }), { code: 'ERR_KEY_INVALID', message: 'at most 32 keys are taken' });
    assert.throws(() => createVerifier({ key: [old.key, testKey('HS256', 'old').key] }), { code: 'ERR_KEY_INVALID', message: 'two keys have the same kid' });
  });
});

describe('the options of createVerifier', () => {
  const texts: readonly unknown[] = [null, '', 7, NaN, Infinity, true, [], ['a'], [undefined], {}, /a/, '\ud800'];
  const lists: readonly unknown[] = [null, '', 7, NaN, true, [], [undefined], [null], [''], ['a', 7], [['a']], new Array(1), {}, /a/g, [/a/], new Set(['a']), ['\ud800']];
  const durations: readonly unknown[] = [null, NaN, Infinity, -Infinity, -1, true, false, '', '5', '5M', 'NaN', [], [5], [undefined], {}, 5n, '3651d'];
  const sizes: readonly unknown[] = [null, NaN, Infinity, -1, 0, 63, 64.5, 1_048_577, 2 ** 32 + 8192, '8192', [], {}, true, 8192n];
  const keys: readonly unknown[] = [undefined, null, '', 'secret', Buffer.alloc(32, 1), Buffer.alloc(0), {}, [undefined], [null], [''], [key, 'secret'], new Array(1), { alg: 'HS256' }, raw, () => key];
  const wrong: Readonly<Record<string, readonly unknown[]>> = {
    key: keys, issuer: lists, audience: lists, subject: texts, typ: texts, clockTolerance: durations, maxAge: durations, maxTokenBytes: sizes,
    required: lists.filter((value) => !(Array.isArray(value) && value.length === 0)),
    algorithms: [...lists, ['none'], ['None'], 'none', ['HS1'], ['HS256', 'RS1'], ['hs256'], ['toString']],
  };
  for (const [option, values] of Object.entries(wrong)) {
    for (const value of values) {
      it(`refuse ${option}: ${typeof value} ${inspect(value).slice(0, 40)}`, () => {
        assert.throws(() => verifierOf({ [option]: value }), { code: 'ERR_OPTION_INVALID', claim: option, message: new RegExp(`^${option} must be `) });
      });
    }
  }

  it('refuse a revocation that is not that of sessions', () => {
    for (const revocation of [null, {}, [], 'a', () => false, { isRevoked: () => false }]) {
      assert.throws(() => verifierOf({ revocation }), { code: 'ERR_OPTION_INVALID', message: /not made by createSessions\(\) or createAuth\(\)/ });
    }
  });

  it('are needed', () => {
    for (const options of [undefined, null, [], 'key', 7, key]) {
      assert.throws(() => createVerifier(options as unknown as VerifierOptions), { code: 'ERR_OPTION_INVALID' });
    }
  });

  it('are all known', () => {
    assert.throws(() => verifierOf({ algorithm: ['HS256'] }), { code: 'ERR_OPTION_UNKNOWN', message: "createVerifier() has no option 'algorithm'; did you mean 'algorithms'?" });
    for (const option of ['ignoreExpiration', 'complete', 'validateSignature', 'allowInvalidAsymmetricKeyTypes']) {
      assert.throws(() => verifierOf({ [option]: true }), { code: 'ERR_OPTION_UNKNOWN', message: /the options are key, algorithms, issuer/ });
    }
  });

  it('are read once', () => {
    const audience = ['a'];
    const verify = verifierOf({ audience });
    audience[0] = 'b';
    assert.throws(() => verify(token(alive({ aud: 'b' }))), { code: 'ERR_CLAIM_INVALID' });
  });

  it('bound the length of a token in bytes', () => {
    const padded = (length: number): string => {
      const short = token(alive({ pad: '' })).length;
      return token(alive({ pad: 'x'.repeat(Math.floor(((length - short) * 3) / 4)) }));
    };
    const long = padded(8192);
    assert.ok(long.length > 8180 && long.length <= 8192, `${long.length}`);
    verifierOf({})(long);
    assert.throws(() => verifierOf({ maxTokenBytes: long.length - 1 })(long), { code: 'ERR_TOKEN_TOO_LARGE' });
    assert.throws(() => verifierOf({})(padded(8200)), { code: 'ERR_TOKEN_TOO_LARGE' });
    verifierOf({ maxTokenBytes: 1_048_576 })(padded(1_048_576));
  });
});

describe('a verifier with revocation', () => {
  it('refuses what was revoked', async (t) => {
    const sessions = createSessions({ store: 'memory:', issuer: 'https://issuer.example', audience: 'a' });
    t.after(() => sessions.close());
    await sessions.ready();
    const verify = verifierOf({ revocation: sessions.revocation });
    const iat = Math.floor(Date.now() / 1000);
    const [one, other] = [token(alive({ jti: 'one', iat })), token(alive({ jti: 'other', iat }))];
    assert.equal(verify(one).jti, 'one');
    await sessions.revocation.token('one', Date.now() / 1000 + 60);
    assert.throws(() => verify(one), { code: 'ERR_TOKEN_REVOKED' });
    assert.equal(verify(other).jti, 'other');
  });

  it('refuses everything as long as the revocations could not be loaded', async () => {
    const sessions = createSessions({ store: 'sqlite:/dev/null/no/such/folder.db', issuer: 'https://issuer.example', audience: 'a' });
    await assert.rejects(sessions.ready(), { code: 'ERR_STORE_UNAVAILABLE' });
    assert.throws(() => verifierOf({ revocation: sessions.revocation })(token(alive())), { code: 'ERR_NOT_READY' });
    assert.throws(() => verifierOf({ revocation: sessions.revocation })('junk'), { code: 'ERR_NOT_READY' });
    await sessions.close();
  });

  it('refuses tokens that live longer than revocations are kept', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: NOW });
    const sessions = createSessions({ store: 'memory:', issuer: 'https://issuer.example', audience: 'a' });
    t.after(() => sessions.close());
    await sessions.ready();
    const verify = verifierOf({ revocation: sessions.revocation, required: [] });
    verify(token({ iat: SECOND, exp: SECOND + 86_400 }));
    for (const issued of [SECOND, SECOND - 30 * 86_400]) {
      const month = token({ iat: issued, exp: Math.max(issued + 86_401, SECOND + 60) });
      assert.throws(() => verify(month), { code: 'ERR_CLAIM_INVALID', claim: 'exp' }, 'also on its last day');
    }
    assert.throws(() => verify(token({ iat: SECOND + 1, exp: SECOND + 60 })), { code: 'ERR_CLAIM_INVALID', claim: 'iat' });
    assert.throws(() => verify(token({ exp: SECOND + 60 })), { code: 'ERR_CLAIM_MISSING', claim: 'iat' });
    assert.throws(() => verify(token({ sub: 'a' })), { code: 'ERR_CLAIM_MISSING', claim: 'exp' });
  });
});
