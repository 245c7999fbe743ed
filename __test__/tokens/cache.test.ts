import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { inspect } from 'node:util';

import { createKeyRing, createSessions, createSigner, createVerifier, dangerouslyDecode, importKey, type Verifier, type VerifierOptions } from 'keyturn';

import { alive, rawToken } from '../support/raw-token.js';
import { TEST_KEYS, testKey } from '../support/test-keys.js';

const NOW = Date.UTC(2026, 0, 2);
const SECOND = NOW / 1000;

const { key, raw } = testKey('HS256');

const verifierOf = (options: Partial<Record<keyof VerifierOptions, unknown>> = {}): Verifier =>
  createVerifier({ key, cache: true, ...options } as VerifierOptions);

const token = (claims: Readonly<Record<string, unknown>>): string => rawToken({ alg: 'HS256' }, claims, raw);

/** A string that was never seen before, as a header parser makes it. */
const fresh = (text: string): string => Buffer.from(text).toString('latin1');

function frozenClock(t: TestContext, now = NOW): void {
  t.mock.timers.enable({ apis: ['Date'], now });
}

describe('a verifier with a cache', () => {
  for (const { alg, key, raw } of TEST_KEYS) {
    it(`answers the same token with the same object, whatever string holds it (${alg})`, () => {
      const verify = createVerifier({ key, cache: true });
      const good = rawToken({ alg }, alive({ sub: 'a' }), raw);
      const claims = verify(good);
      assert.equal(claims.sub, 'a');
      for (let round = 0; round < 3; round += 1) assert.equal(verify(fresh(good)), claims);
      const { hits, misses, size } = verify.cache ?? assert.fail();
      assert.deepEqual({ hits, misses, size }, { hits: 3, misses: 1, size: 1 });
    });
  }

  it('hands out claims that nobody can change, at any depth', () => {
    const verify = verifierOf();
    const good = token(alive({ roles: ['a', ['b', { c: [1] }]], nested: { list: [{ deep: true }], none: null } }));
    for (const claims of [verify(good), verify(good)]) assertDeeplyFrozen(claims);
    assert.throws(() => (verify(good)['roles'] as string[]).push('admin'), TypeError);
    assert.throws(() => Object.assign(verify(good), { sub: 'admin' }), TypeError);
    assert.deepEqual(verify(good)['roles'], ['a', ['b', { c: [1] }]]);
  });

  it('leaves claims their own where there is no cache', () => {
    for (const cache of [undefined, false]) {
      const verify = verifierOf({ cache });
      const good = token(alive({ roles: [] }));
      assert.notEqual(verify(good), verify(good));
      assert.ok(!Object.isFrozen(verify(good)) && !Object.isFrozen(verify(good)['roles']));
      assert.equal(verify.cache, undefined);
    }
  });

  it('tells tokens apart that share all but their claims', () => {
    const verify = verifierOf();
    const all = Array.from({ length: 50 }, (_, n) => token(alive({ n })));
    for (let round = 0; round < 2; round += 1) assert.deepEqual(all.map((one) => verify(one)['n']), all.map((_, n) => n));
  });

  it('answers its promises likewise', async () => {
    const verify = verifierOf();
    const good = token(alive());
    assert.equal(await verify.async(good), verify(good));
  });

  it('gives plain data and lets no prototype through', () => {
    const verify = verifierOf();
    const exp = Math.floor(Date.now() / 1000) + 60;
    const proto = rawToken({ alg: 'HS256' }, `{"exp":${exp},"__proto__":{"isAdmin":true}}`, raw);
    for (let round = 0; round < 2; round += 1) assert.throws(() => verify(proto), { code: 'ERR_TOKEN_MALFORMED' });
    const named = token(alive({ constructor: { prototype: 1 }, toString: 'x' }));
    for (const claims of [verify(named), verify(named)]) {
      assert.equal(Object.getPrototypeOf(claims), Object.prototype);
      assert.deepEqual(claims['constructor'], { prototype: 1 });
    }
  });

  it('never takes in a token that does not verify', () => {
    const verify = verifierOf({ cache: { maxEntries: 1 } });
    const good = token(alive());
    const claims = verify(good);
    for (let n = 0; n < 20; n += 1) {
      assert.throws(() => verify(rawToken({ alg: 'HS256' }, alive({ n }), testKey('HS256').raw)), { code: 'ERR_SIGNATURE_INVALID' });
      assert.throws(() => verify(`${good.slice(0, -1)}${good.endsWith('A') ? 'B' : 'A'}`), { name: 'KeyturnError' });
      assert.throws(() => verify(token({ exp: 1 })), { code: 'ERR_TOKEN_EXPIRED' });
      assert.throws(() => verify('junk'), { code: 'ERR_TOKEN_MALFORMED' });
    }
    assert.equal(verify(good), claims);
    assert.equal(verify.cache?.evictions, 0);
  });

  it('refuses what is no text, however many arguments there are', () => {
    const verify = verifierOf() as unknown as (...given: readonly unknown[]) => unknown;
    for (const given of [[], [undefined], [0], [3], [null], [{}], [0, 0], [7, 7, 7]]) {
      assert.throws(() => verify(...given), { code: 'ERR_TOKEN_MALFORMED' }, inspect(given));
    }
  });

  it('refuses a wide character that would narrow to a remembered token', () => {
    const verify = verifierOf();
    const good = token(alive());
    verify(good);
    for (const at of [0, 20, good.length - 1]) {
      const wide = good.slice(0, at) + String.fromCharCode(good.charCodeAt(at) + 0x100) + good.slice(at + 1);
      assert.throws(() => verify(wide), { code: 'ERR_TOKEN_MALFORMED' });
    }
  });
});

describe('a remembered token', () => {
  it('expires, is not yet active and grows too old like every other, and is good again if the clock goes back', (t) => {
    frozenClock(t);
    const verify = verifierOf({ maxAge: 50, audience: 'a' });
    const good = token({ iat: SECOND, nbf: SECOND + 10, exp: SECOND + 100, aud: 'a' });
    const at = (seconds: number): void => t.mock.timers.setTime(NOW + seconds * 1000);
    at(10);
    const claims = verify(good);
    const expected = [
      [9.999, 'ERR_TOKEN_NOT_ACTIVE'], [49.999, undefined], [50, 'ERR_TOKEN_TOO_OLD'], [100, 'ERR_TOKEN_EXPIRED'], [-1, 'ERR_TOKEN_NOT_ACTIVE'], [11, undefined],
    ] as const;
    for (const [seconds, code] of expected) {
      at(seconds);
      const plain = createVerifier({ key, maxAge: 50, audience: 'a' });
      if (code === undefined) assert.equal(verify(good), claims);
      else for (const one of [verify, plain]) assert.throws(() => one(good), { code });
    }
    assert.equal(verify.cache?.misses, 1);
  });

  it('is refused when time is no number', (t) => {
    const verify = verifierOf();
    const good = token(alive());
    verify(good);
    t.mock.method(Date, 'now', () => NaN);
    assert.throws(() => verify(good), { code: 'ERR_TOKEN_EXPIRED' });
  });

  it('is refused from the moment that it is revoked, by each of the ways', async (t) => {
    const sessions = createSessions({ store: 'memory:', issuer: 'https://issuer.example', audience: 'a' });
    t.after(() => sessions.close());
    await sessions.ready();
    const verify = verifierOf({ revocation: sessions.revocation });
    const iat = Math.floor(Date.now() / 1000) - 5;
    const one = token(alive({ jti: 'one', sub: 's', iat }));
    const two = token(alive({ jti: 'two', sub: 'u', iat }));
    const three = token(alive({ jti: 'three', sub: 'v', iat }));
    const all = [one, two, three];
    for (const round of [0, 1]) assert.deepEqual(all.map((good) => verify(good).jti), ['one', 'two', 'three'], `${round}`);
    await sessions.revocation.token('one', Date.now() / 1000 + 60);
    assert.throws(() => verify(one), { code: 'ERR_TOKEN_REVOKED', reason: 'token' });
    assert.equal(verify(two).jti, 'two');
    await sessions.revocation.subject('u');
    assert.throws(() => verify(two), { code: 'ERR_TOKEN_REVOKED', reason: 'subject' });
    assert.equal(verify(three).jti, 'three');
    await sessions.revocation.everything();
    assert.throws(() => verify(three), { code: 'ERR_TOKEN_REVOKED', reason: 'everything' });
    assert.equal(verify.cache?.misses, 3, 'all of it was answered by the cache');
  });

  it('is refused when its key leaves the ring, and everything is verified anew after each change of keys', () => {
    const ring = createKeyRing({ alg: 'HS256' });
    const verify = createVerifier({ key: ring, cache: true });
    const sign = createSigner({ key: ring });
    const [old, kid] = [sign({ n: 0 }), kidOf(sign({}))];
    assert.equal(verify(old), verify(old));
    ring.rotate();
    const young = sign({ n: 1 });
    assert.notEqual(kidOf(young), kid);
    assert.deepEqual([old, young, old, young].map((good) => verify(good)['n']), [0, 1, 0, 1]);
    ring.revoke(kid);
    for (let round = 0; round < 2; round += 1) {
      assert.throws(() => verify(old), { code: 'ERR_KEY_UNKNOWN' });
      assert.equal(verify(young)['n'], 1);
    }
    assert.equal(verify.cache?.size, 1);
  });

  it('is refused when its key is revoked', async (t) => {
    const sessions = createSessions({ store: 'memory:', issuer: 'https://issuer.example', audience: 'a' });
    t.after(() => sessions.close());
    await sessions.ready();
    const named = importKey(raw, { alg: 'HS256', kid: 'named' });
    const verify = createVerifier({ key: named, revocation: sessions.revocation, cache: true });
    const good = createSigner({ key: named })({});
    assert.equal(verify(good), verify(good));
    await sessions.revocation.key('named');
    assert.throws(() => verify(good), { code: 'ERR_TOKEN_REVOKED', reason: 'key' });
  });
});

describe('the bound of a cache', () => {
  it('holds, lets tokens that are in use stay, and counts', () => {
    const verify = verifierOf({ cache: { maxEntries: 3 } });
    const [a, b] = [token(alive({ sub: 'a' })), token(alive({ sub: 'b' }))];
    const [first, second] = [verify(a), verify(b)];
    for (let n = 0; n < 10; n += 1) {
      assert.equal(verify(a), first);
      assert.equal(verify(b), second);
      assert.equal(verify(token(alive({ n })))['n'], n);
    }
    assert.deepEqual(verify.cache, { hits: 20, misses: 12, evictions: 9, size: 3, maxEntries: 3 });
  });

  it('of one is enough to work', () => {
    const verify = verifierOf({ cache: { maxEntries: 1 } });
    const all = [0, 1, 2].map((n) => token(alive({ n })));
    for (let round = 0; round < 3; round += 1) {
      for (const [n, good] of all.entries()) {
        const claims = verify(good);
        assert.equal(claims['n'], n);
        assert.equal(verify(good), claims);
      }
    }
    assert.deepEqual(verify.cache, { hits: 9, misses: 9, evictions: 8, size: 1, maxEntries: 1 });
  });

  it('leaves out tokens above 8 KiB, which are verified each time and frozen all the same', () => {
    const verify = verifierOf({ maxTokenBytes: 100_000 });
    const long = token(alive({ pad: ['x'.repeat(9000)] }));
    assert.notEqual(verify(long), verify(long));
    assertDeeplyFrozen(verify(long));
    assert.equal(verify.cache?.size, 0);
  });
});

describe('the option cache', () => {
  it('takes true, false and a number of entries', () => {
    assert.equal(verifierOf({ cache: true }).cache?.maxEntries, 10_000);
    assert.equal(verifierOf({ cache: {} }).cache?.maxEntries, 10_000);
    assert.equal(verifierOf({ cache: { maxEntries: 1_000_000 } }).cache?.maxEntries, 1_000_000);
  });

  for (const cache of [null, 0, 1, 10_000, '', 'true', [], () => true, Symbol('x')]) {
    it(`is refused: ${inspect(cache)}`, () => {
      assert.throws(() => verifierOf({ cache }), { code: 'ERR_OPTION_INVALID', claim: 'cache', message: /^cache must be / });
    });
  }

  for (const maxEntries of [null, NaN, 0, -1, 1.5, 1_000_001, Infinity, '10', [], {}]) {
    it(`is refused: maxEntries ${inspect(maxEntries)}`, () => {
      assert.throws(() => verifierOf({ cache: { maxEntries } }), { code: 'ERR_OPTION_INVALID', claim: 'cache.maxEntries', message: /^cache\.maxEntries must be / });
    });
  }

  it('knows its members', () => {
    assert.throws(() => verifierOf({ cache: { maxEntry: 1 } }), { code: 'ERR_OPTION_UNKNOWN', message: /the options are maxEntries/ });
  });
});

function kidOf(token: string): string {
  const { kid } = dangerouslyDecode(token).header;
  return typeof kid === 'string' ? kid : assert.fail('no kid');
}

function assertDeeplyFrozen(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  assert.ok(Object.isFrozen(value), inspect(value));
  for (const member of Object.values(value)) assertDeeplyFrozen(member);
}
