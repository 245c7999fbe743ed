import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { inspect } from 'node:util';

import { type Algorithm, createAuth, createKeyRing, createSessions, createSigner, createVerifier, dangerouslyDecode, generateKey, importKey, type KeyRing, KeyturnError, signJws, verifyJws } from 'keyturn';

import { serve } from '../support/server.js';
import { RFC_8037_PUBLIC } from '../support/test-keys.js';

const START = 1_800_000_000_000;
const HOUR = 3_600_000;

/** A clock that only the test moves. */
function clock(t: TestContext): (hours: number) => void {
  t.mock.timers.enable({ apis: ['Date'], now: START });
  return (hours) => {
    t.mock.timers.setTime(START + hours * HOUR);
  };
}

const kidOf = (token: string): unknown => dangerouslyDecode(token).header['kid'];
const states = (ring: KeyRing): readonly string[] => ring.keys.map(({ state }) => state);
const published = (ring: KeyRing): readonly unknown[] => ring.jwks().keys.map(({ kid }) => kid);

describe('createKeyRing', () => {
  for (const alg of ['EdDSA', 'ES256', 'RS256', 'HS512'] as const satisfies readonly Algorithm[]) {
    it(`rotates ${alg} keys without a token being refused`, () => {
      const ring = createKeyRing({ alg });
      const sign = createSigner({ key: ring });
      const verify = createVerifier({ key: ring });
      const before = sign({ sub: 'alice' });
      const kid = ring.rotate();
      const after = sign({ sub: 'bob' });
      assert.notEqual(kidOf(before), kid);
      assert.equal(kidOf(after), kid);
      assert.deepEqual([verify(before).sub, verify(after).sub], ['alice', 'bob']);
      assert.deepEqual(states(ring), ['active', 'retiring']);
    });
  }

  it('announces the next key before the schedule lets it sign', (t) => {
    const at = clock(t);
    const ring = createKeyRing({ rotateEvery: '48h' });
    const sign = createSigner({ key: ring, expiresIn: '24h' });
    const verify = createVerifier({ key: ring });
    const first = ring.keys[0]?.kid;
    assert.deepEqual(published(ring), [first]);
    at(47);
    const next = ring.keys[1];
    assert.deepEqual(next, { kid: next?.kid, alg: 'EdDSA', state: 'published', since: START + 47 * HOUR });
    assert.deepEqual(published(ring), [first, next.kid]);
    const last = sign({});
    assert.equal(kidOf(last), first);
    at(48);
    assert.equal(kidOf(sign({})), next.kid);
    at(70.9);
    verify(last);
    at(72);
    assert.throws(() => verify(last), { code: 'ERR_KEY_UNKNOWN' });
    assert.deepEqual(published(ring), [next.kid]);
  });

  it('moves on for a verifier alone, too', (t) => {
    const at = clock(t);
    const ring = createKeyRing();
    const verify = createVerifier({ key: ring, required: [] });
    const token = createSigner({ key: ring, expiresIn: false })({});
    ring.retire(ring.keys[0]?.kid ?? '', { within: '30m' });
    at(0.49);
    verify(token);
    at(0.5);
    assert.throws(() => verify(token), { code: 'ERR_KEY_UNKNOWN' });
  });

  it('takes remembered tokens back with the key, also when only time has passed', (t) => {
    const at = clock(t);
    const ring = createKeyRing();
    const verify = createVerifier({ key: ring, required: [], cache: true });
    const token = createSigner({ key: ring, expiresIn: false })({});
    verify(token);
    verify(token);
    ring.retire(ring.keys[0]?.kid ?? '', { within: '30m' });
    verify(token);
    verify(token);
    at(0.5);
    assert.throws(() => verify(token), { code: 'ERR_KEY_UNKNOWN' });
    const next = createSigner({ key: ring, expiresIn: false })({});
    verify(next);
    ring.revoke(String(kidOf(next)));
    assert.throws(() => verify(next), { code: 'ERR_KEY_UNKNOWN' });
  });

  it('takes a published key at a rotation by hand', () => {
    const ring = createKeyRing();
    const next = ring.publish();
    assert.equal(ring.publish(), next);
    assert.deepEqual(published(ring), [ring.keys[0]?.kid, next]);
    assert.equal(ring.rotate(), next);
  });

  it('refuses the tokens of a revoked key at once, and signs with another', () => {
    const ring = createKeyRing();
    const sign = createSigner({ key: ring });
    const verify = createVerifier({ key: ring });
    const token = sign({});
    const kid = String(kidOf(token));
    verify(token);
    ring.revoke(kid);
    assert.throws(() => verify(token), { code: 'ERR_KEY_UNKNOWN' });
    assert.notEqual(kidOf(sign({})), kid);
    assert.ok(!published(ring).includes(kid));
    assert.deepEqual(states(ring), ['active', 'revoked']);
    ring.revoke(kid);
    const next = ring.publish();
    ring.revoke(ring.keys[0]?.kid ?? '');
    assert.equal(kidOf(sign({})), next);
  });

  it('signs with the first of the given keys that can, and verifies with all of them until they are retired', (t) => {
    const at = clock(t);
    const [a, b] = [generateKey('EdDSA', { kid: 'a' }), generateKey('EdDSA')];
    const ring = createKeyRing({ keys: [importKey(RFC_8037_PUBLIC, { alg: 'EdDSA', kid: 'public' }), a, b] });
    assert.deepEqual(ring.keys.map(({ kid, state }) => [kid, state]), [['a', 'active'], ['public', 'retiring'], [b.thumbprint(), 'retiring']]);
    at(1000);
    for (const key of [a, b]) createVerifier({ key: ring })(createSigner({ key })({}));
    ring.retire('public', { within: 0 });
    assert.ok(!published(ring).includes('public'));
  });

  it('never publishes an HMAC key, and names it by no hash of the bare secret', () => {
    const ring = createKeyRing({ keys: [importKey({ secret: 'x'.repeat(32) }, { alg: 'HS256' })] });
    ring.rotate();
    assert.deepEqual(ring.jwks(), { keys: [] });
    assert.deepEqual(ring.keys.map(({ alg }) => alg), ['HS256', 'HS256']);
  });

  it('is not moved by a clock that is set back, and does not stop after one that was ahead', (t) => {
    const at = clock(t);
    const ring = createKeyRing({ rotateEvery: '48h' });
    at(100_000);
    ring.jwks();
    at(100_001);
    const kid = ring.keys[0]?.kid;
    at(1);
    assert.equal(ring.keys[0]?.kid, kid);
    at(48);
    ring.jwks();
    at(49);
    assert.notEqual(ring.keys[0]?.kid, kid);
  });

  it('does nothing that lasts under a clock without a time', (t) => {
    const ring = createKeyRing({ rotateEvery: '48h' });
    const before = ring.keys;
    t.mock.method(Date, 'now', () => NaN);
    for (const call of [() => ring.rotate(), () => ring.jwks(), () => ring.keys]) assert.throws(call, { code: 'ERR_INTERNAL' });
    assert.throws(() => createVerifier({ key: ring })('a.b.c'));
    t.mock.restoreAll();
    assert.deepEqual(ring.keys, before);
  });

  it('refuses a key too many and goes on with those it has', () => {
    const ring = createKeyRing();
    for (let count = 1; count < 32; count += 1) ring.rotate();
    const kid = ring.keys[0]?.kid;
    assert.throws(() => ring.rotate(), { code: 'ERR_KEY_INVALID' });
    assert.equal(kidOf(createSigner({ key: ring })({})), kid);
    ring.retire(ring.keys[31]?.kid ?? '', { within: 0 });
    ring.rotate();
  });

  it('shows nothing secret', () => {
    const ring = createKeyRing({ alg: 'HS256' });
    const text = JSON.stringify(ring) + inspect(ring, { depth: 9 });
    assert.match(text, /"state":"active"/);
    assert.doesNotMatch(text, /"k"|secret/);
  });

  const mistakes: readonly (readonly [what: string, make: () => unknown, code?: string])[] = [
    ['an option that does not exist', () => createKeyRing({ every: 1 } as never), 'ERR_OPTION_UNKNOWN'],
    ['an algorithm that is none', () => createKeyRing({ alg: 'none' as 'EdDSA' })],
    ['keys that are none', () => createKeyRing({ keys: ['key'] as never })],
    ['HMAC beside asymmetric keys', () => createKeyRing({ keys: [generateKey('EdDSA'), generateKey('HS256')] }), 'ERR_KEY_INVALID'],
    ['keys of one kind and new ones of another', () => createKeyRing({ keys: [generateKey('HS256')], alg: 'EdDSA' })],
    ['keys of which none can sign', () => createKeyRing({ keys: [importKey(RFC_8037_PUBLIC, { alg: 'EdDSA' })] }), 'ERR_KEY_INVALID'],
    ['two keys of one kid', () => createKeyRing({ keys: [generateKey('EdDSA', { kid: 'a' }), generateKey('EdDSA', { kid: 'a' })] }), 'ERR_KEY_INVALID'],
    ['a timetable that would need more than 32 keys', () => createKeyRing({ rotateEvery: '30m' })],
    ['an announcement longer than a turn', () => createKeyRing({ rotateEvery: '2h', publishFor: '3h' })],
    ['a turn of no length', () => createKeyRing({ rotateEvery: 0 })],
    ['a kid that it does not have, at retire()', () => { createKeyRing().retire('x'); }],
    ['a kid that it does not have, at revoke()', () => { createKeyRing().revoke('x'); }],
  ];
  for (const [what, make, code = 'ERR_OPTION_INVALID'] of mistakes) {
    it(`refuses ${what}`, () => {
      assert.throws(make, (error) => error instanceof KeyturnError && error.code === code);
    });
  }
});

describe('raw JWS over a ring', () => {
  it('are signed with the active key and follow its changes', () => {
    const ring = createKeyRing({ alg: 'ES256' });
    const jws = signJws('{}', ring);
    ring.rotate();
    assert.equal(verifyJws(jws, ring).payload.toString(), '{}');
    ring.revoke(String(kidOf(jws)));
    assert.throws(() => verifyJws(jws, ring), { code: 'ERR_KEY_UNKNOWN' });
  });
});

describe('a signer over a ring', () => {
  it('signs on the pool where the active key is slow, with the key whose turn it is', async (t) => {
    const at = clock(t);
    const ring = createKeyRing({ keys: [generateKey('EdDSA', { kid: 'fast' })], alg: 'RS256', rotateEvery: '48h', publishFor: 0 });
    const sign = createSigner({ key: ring });
    const verify = createVerifier({ key: ring });
    const before = await sign.async({ sub: 'alice' });
    at(48);
    const after = await sign.async({ sub: 'bob' });
    assert.deepEqual([kidOf(before), dangerouslyDecode(after).header['alg']], ['fast', 'RS256']);
    assert.equal((await verify.async(after)).sub, 'bob');
    assert.deepEqual(ring.keys.map(({ alg, state }) => [alg, state]), [['RS256', 'active'], ['EdDSA', 'retiring']]);
  });
});

describe('sessions over a ring', () => {
  const settings = { store: 'memory:', issuer: 'https://app.example', audience: 'app' } as const;

  it('sign with the active key, go on through a rotation and refuse a revoked key', async () => {
    const ring = createKeyRing();
    const sessions = createSessions({ ...settings, keys: ring });
    const { accessToken: before } = await sessions.start({ subject: 'alice' });
    const kid = ring.rotate();
    const { accessToken: after } = await sessions.start({ subject: 'alice' });
    assert.equal(kidOf(after), kid);
    assert.deepEqual([sessions.verify(before).sub, sessions.verify(after).sub], ['alice', 'alice']);
    ring.revoke(String(kidOf(before)));
    assert.throws(() => sessions.verify(before), { code: 'ERR_KEY_UNKNOWN' });
    sessions.verify(after);
    await sessions.close();
  });

  it('publish it', async (t) => {
    const ring = createKeyRing();
    const auth = createAuth({ ...settings, keys: ring });
    const next = ring.publish();
    const server = await serve(t, auth.jwks());
    const { keys } = (await (await server.get('/')).json()) as { keys: readonly { kid: string }[] };
    assert.deepEqual(keys.map(({ kid }) => kid), [ring.keys[0]?.kid, next]);
    await auth.close();
  });
});
