import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';

import { createRemoteKeySet, createSigner, createVerifier, generateKey, type Key, KeyturnError, type RemoteKeySet, type RemoteKeySetOptions, signJws, type Verifier, verifyJws } from 'keyturn';

import { KeyServer } from '../../support/key-server.js';
import { rawToken } from '../../support/raw-token.js';
import { testKey } from '../../support/test-keys.js';

const START = 1_800_000_000_000;

/** A server with one key, a remote set over it, a verifier over that, and a clock that only the test moves. */
class Stage {
  readonly key = generateKey('EdDSA', { kid: 'a' });
  readonly other = generateKey('EdDSA', { kid: 'b' });
  readonly server: KeyServer;
  readonly remote: RemoteKeySet;
  readonly verify: Verifier;
  readonly #t: TestContext;

  private constructor(t: TestContext, server: KeyServer, options: Readonly<RemoteKeySetOptions>) {
    this.#t = t;
    this.server = server;
    this.server.publish([this.key]);
    this.remote = createRemoteKeySet(server.url, options);
    this.verify = createVerifier({ key: this.remote, required: [] });
  }

  static async set(t: TestContext, options: Readonly<RemoteKeySetOptions> = {}): Promise<Stage> {
    const server = await KeyServer.start(t);
    t.mock.timers.enable({ apis: ['Date'], now: START });
    return new Stage(t, server, options);
  }

  get requests(): number {
    return this.server.requests.length;
  }

  /** Moves the clock to so many seconds after the start. */
  at(seconds: number): void {
    this.#t.mock.timers.setTime(START + seconds * 1000);
  }

  token(key: Key = this.key): string {
    return createSigner({ key, expiresIn: false })({ sub: 'alice' });
  }

  /** Waits for what a synchronous verification has begun in the background. */
  async settled(): Promise<void> {
    const { requests } = this.remote.stats();
    await this.remote.refresh().catch(() => undefined);
    assert.equal(this.remote.stats().requests, requests, 'a request was under way');
  }

  fail(): void {
    this.server.send({ status: 500 });
  }
}

const codeOf = (call: () => unknown): string | undefined => {
  try {
    call();
  } catch (error) {
    return error instanceof KeyturnError ? error.code : String(error);
  }
  return undefined;
};

describe('createRemoteKeySet', () => {
  it('fetches nothing before it is used, and once when it is', async (t) => {
    const stage = await Stage.set(t, { headers: { authorization: 'Bearer x' } });
    assert.equal(stage.requests, 0);
    await stage.remote.ready();
    await stage.remote.ready();
    assert.equal(stage.verify(stage.token()).sub, 'alice');
    assert.equal(stage.requests, 1);
    assert.equal(stage.server.requests[0]?.['authorization'], 'Bearer x');
    assert.match(stage.server.requests[0]['accept'] ?? '', /jwk-set\+json/);
    assert.deepEqual(stage.remote.keys.map(({ kid }) => kid), ['a']);
    assert.deepEqual(stage.remote.jwks(), { keys: [stage.key.publicJwk()] });
  });

  it('says that it is not ready before the first load, and begins to load', async (t) => {
    const stage = await Stage.set(t);
    assert.equal(codeOf(() => stage.verify(stage.token())), 'ERR_NOT_READY');
    await stage.settled();
    assert.equal(stage.verify(stage.token()).sub, 'alice');
    assert.equal(stage.requests, 1);
  });

  it('makes one request for a hundred verifications at once', async (t) => {
    const stage = await Stage.set(t);
    const all = await Promise.all(Array.from({ length: 100 }, () => stage.verify.async(stage.token())));
    assert.equal(all.length, 100);
    assert.equal(stage.requests, 1);
  });

  it('makes one request for a hundred tokens of a new key, and waits for it', async (t) => {
    const stage = await Stage.set(t);
    await stage.remote.ready();
    stage.server.publish([stage.key, stage.other]);
    await Promise.all(Array.from({ length: 100 }, () => stage.verify.async(stage.token(stage.other))));
    assert.equal(stage.requests, 2);
  });

  it('learns of a new key behind a synchronous verification', async (t) => {
    const stage = await Stage.set(t);
    await stage.remote.ready();
    stage.server.publish([stage.other]);
    assert.equal(codeOf(() => stage.verify(stage.token(stage.other))), 'ERR_KEY_UNKNOWN');
    await stage.settled();
    assert.equal(stage.verify(stage.token(stage.other)).sub, 'alice');
    assert.equal(codeOf(() => stage.verify(stage.token())), 'ERR_KEY_UNKNOWN', 'a key that is gone there is gone here');
  });

  it('learns of another algorithm as of another key', async (t) => {
    const stage = await Stage.set(t);
    const { key } = testKey('HS256', 'h');
    await stage.remote.ready();
    await assert.rejects(stage.verify.async(createSigner({ key })({})), { code: 'ERR_ALGORITHM_NOT_ALLOWED' });
    assert.equal(stage.requests, 2);
  });

  it('lets made-up kids cause one request in a cool-down, and no more', async (t) => {
    const stage = await Stage.set(t, { cooldown: '30s' });
    await stage.remote.ready();
    const junk = (index: number): string => rawToken({ alg: 'EdDSA', kid: `junk-${String(index)}` }, {}, testKey('EdDSA').raw);
    for (let index = 0; index < 50; index += 1) {
      await assert.rejects(stage.verify.async(junk(index)), { code: 'ERR_KEY_UNKNOWN' });
      assert.equal(codeOf(() => stage.verify(junk(index))), 'ERR_KEY_UNKNOWN');
    }
    assert.equal(stage.requests, 2);
    stage.at(29.9);
    await assert.rejects(stage.verify.async(junk(50)), { code: 'ERR_KEY_UNKNOWN' });
    assert.equal(stage.requests, 2);
    stage.at(30);
    await assert.rejects(stage.verify.async(junk(51)), { code: 'ERR_KEY_UNKNOWN' });
    assert.equal(stage.requests, 3);
    assert.equal(stage.verify(stage.token()).sub, 'alice', 'good tokens are not troubled');
  });

  it('fetches for no other failure', async (t) => {
    const stage = await Stage.set(t);
    await stage.remote.ready();
    const forged = generateKey('EdDSA', { kid: 'a' });
    await assert.rejects(stage.verify.async(stage.token(forged)), { code: 'ERR_SIGNATURE_INVALID' });
    await assert.rejects(stage.verify.async('a.b.c'), { code: 'ERR_TOKEN_MALFORMED' });
    assert.equal(stage.requests, 1);
  });

  it('fetches ahead of the end of its keys, in the background', async (t) => {
    const stage = await Stage.set(t, { maxAge: '10m', refreshAhead: '1m' });
    await stage.remote.ready();
    stage.at(539);
    stage.verify(stage.token());
    assert.equal(stage.requests, 1);
    stage.at(540);
    stage.server.hold();
    assert.equal((await stage.verify.async(stage.token())).sub, 'alice', 'nobody waits');
    for (let count = 0; count < 10; count += 1) stage.verify(stage.token());
    stage.server.release();
    await stage.settled();
    assert.equal(stage.requests, 2);
    assert.equal(stage.remote.stats().freshUntil, START + 1_140_000);
  });

  it('waits for new keys once the old ones are overdue', async (t) => {
    const stage = await Stage.set(t);
    await stage.remote.ready();
    stage.server.publish([stage.other]);
    stage.at(601);
    await assert.rejects(stage.verify.async(stage.token()), { code: 'ERR_KEY_UNKNOWN' });
    assert.equal(stage.requests, 2);
  });

  it('goes on with the keys it has while the server fails, up to a limit, and comes back', async (t) => {
    const stage = await Stage.set(t, { maxAge: '10m', staleIfError: '1h' });
    await stage.remote.ready();
    stage.fail();
    stage.at(601);
    assert.equal((await stage.verify.async(stage.token())).sub, 'alice');
    assert.match(stage.remote.stats().failure ?? '', /answered 500/);
    stage.at(4199);
    assert.equal(stage.verify(stage.token()).sub, 'alice');
    await stage.settled();
    stage.at(4200);
    assert.equal(codeOf(() => stage.verify(stage.token())), 'ERR_KEY_SET_UNAVAILABLE');
    await assert.rejects(stage.verify.async(stage.token()), { code: 'ERR_KEY_SET_UNAVAILABLE' });
    assert.equal(stage.remote.stats().keys, 0);
    stage.server.publish([stage.key]);
    stage.at(4300);
    assert.equal((await stage.verify.async(stage.token())).sub, 'alice');
    assert.equal(stage.remote.stats().failure, undefined);
  });

  it('takes remembered tokens back with their keys', async (t) => {
    const stage = await Stage.set(t);
    const verify = createVerifier({ key: stage.remote, required: [], cache: true });
    await stage.remote.ready();
    for (let count = 0; count < 3; count += 1) verify(stage.token());
    const token = stage.token();
    verify(token);
    stage.server.publish([stage.other]);
    await stage.remote.refresh();
    assert.equal(codeOf(() => verify(token)), 'ERR_KEY_UNKNOWN');
    stage.server.publish([stage.key]);
    await stage.remote.refresh();
    verify(token);
    stage.fail();
    stage.at(4200);
    assert.equal(codeOf(() => verify(token)), 'ERR_KEY_SET_UNAVAILABLE');
  });

  it('has its keys again when a clock that was ahead for a moment is right again', async (t) => {
    const stage = await Stage.set(t, { maxAge: '24h' });
    const remembering = createVerifier({ key: stage.remote, required: [], cache: true });
    await stage.remote.ready();
    const token = stage.token();
    for (let count = 0; count < 3; count += 1) remembering(token);
    stage.fail();
    const questions: readonly (() => unknown)[] = [
      () => assert.equal(stage.remote.stats().keys, 0),
      () => assert.deepEqual(stage.remote.keys, []),
      () => assert.deepEqual(stage.remote.jwks(), { keys: [] }),
      () => assert.equal(codeOf(() => stage.verify(token)), 'ERR_KEY_SET_UNAVAILABLE'),
      () => assert.equal(codeOf(() => remembering(token)), 'ERR_KEY_SET_UNAVAILABLE'),
    ];
    for (const ask of questions) {
      stage.at(26 * 3600);
      ask();
      stage.at(0);
      assert.equal(stage.verify(token).sub, 'alice');
      assert.equal(remembering(token).sub, 'alice');
      assert.equal((await stage.verify.async(token)).sub, 'alice');
      await stage.remote.ready();
      assert.equal(stage.remote.stats().keys, 1);
    }
  });

  it('uses keys that came under a clock ahead no longer than others', async (t) => {
    const stage = await Stage.set(t, { maxAge: '10m', staleIfError: '1h' });
    stage.at(26 * 3600);
    await stage.remote.ready();
    stage.fail();
    stage.at(0);
    assert.equal((await stage.verify.async(stage.token())).sub, 'alice');
    await stage.settled();
    stage.at(4199);
    assert.equal(stage.verify(stage.token()).sub, 'alice');
    await stage.settled();
    stage.at(4200);
    assert.equal(codeOf(() => stage.verify(stage.token())), 'ERR_KEY_SET_UNAVAILABLE');
    stage.server.publish([stage.key]);
    stage.at(4300);
    assert.equal((await stage.verify.async(stage.token())).sub, 'alice');
    assert.equal(stage.remote.stats().usableUntil, START + 8_500_000);
  });

  it('fetches where the keys turn out to be gone though none seemed due', async (t) => {
    const stage = await Stage.set(t);
    await stage.remote.ready();
    const token = stage.token();
    const jumping = (): unknown => {
      // The first look at the clock says that nothing is due; from the second on it is late.
      let looks = 0;
      const late = t.mock.method(Date, 'now', () => START + (looks++ === 0 ? 0 : 7200_000));
      const thrown = codeOf(() => stage.verify(token));
      late.mock.restore();
      return thrown;
    };
    stage.server.hold();
    assert.equal(jumping(), 'ERR_KEY_SET_UNAVAILABLE');
    assert.equal(stage.remote.stats().requests, 2);
    assert.equal(jumping(), 'ERR_KEY_SET_UNAVAILABLE');
    assert.equal(stage.remote.stats().requests, 2, 'one at a time');
    stage.server.release();
    await stage.settled();
    assert.equal(jumping(), 'ERR_KEY_SET_UNAVAILABLE');
    assert.equal(stage.remote.stats().requests, 2, 'one in a cool-down');
    assert.equal(stage.verify(stage.token()).sub, 'alice');
  });

  it('does not run at a server that fails', async (t) => {
    const stage = await Stage.set(t);
    stage.fail();
    const ask = async (): Promise<void> => {
      await assert.rejects(stage.verify.async(stage.token()), { code: 'ERR_KEY_SET_UNAVAILABLE' });
    };
    for (let count = 0; count < 20; count += 1) await ask();
    assert.equal(stage.requests, 1);
    for (const [seconds, requests] of [[1, 2], [2, 2], [3, 3], [6, 3], [7, 4]] as const) {
      stage.at(seconds);
      await ask();
      assert.equal(stage.requests, requests, `${String(seconds)} s`);
    }
    stage.server.publish([stage.key]);
    await stage.remote.ready();
    assert.equal(stage.verify(stage.token()).sub, 'alice');
  });

  it('keeps what an answer says of its age within bounds', async (t) => {
    const stage = await Stage.set(t, { maxAge: '10m' });
    const ages: readonly (readonly [headers: Readonly<Record<string, string>>, seconds: number])[] = [
      [{}, 600],
      [{ 'cache-control': 'public, max-age=300' }, 300],
      [{ 'cache-control': 'MAX-AGE=300', age: '100' }, 200],
      [{ 'cache-control': 'max-age=86400' }, 600],
      [{ 'cache-control': 'max-age=0' }, 30],
      [{ 'cache-control': 'no-store' }, 30],
      [{ 'cache-control': 'max-age=junk' }, 600],
    ];
    for (const [headers, seconds] of ages) {
      stage.server.publish([stage.key], { headers });
      await stage.remote.refresh();
      assert.equal((stage.remote.stats().freshUntil ?? 0) - START, seconds * 1000, JSON.stringify(headers));
    }
  });

  it('passes over keys that it cannot use, and counts them', async (t) => {
    const stage = await Stage.set(t);
    const jwk = (kid: string): Readonly<Record<string, unknown>> => generateKey('EdDSA', { kid }).publicJwk();
    const unusable: readonly unknown[] = [
      { ...jwk('enc'), use: 'enc' },
      { ...jwk('ops'), key_ops: ['encrypt'] },
      { kty: 'AKP', alg: 'ML-DSA-44', kid: 'new' },
      { kty: 'oct', alg: 'HS256', kid: 'secret', k: Buffer.alloc(32, 7).toString('base64url') },
      { kty: 'RSA', n: 'AQAB', e: 'AQAB', kid: 'weak' },
      { ...jwk('point'), x: 'AAAA' },
      { kty: 'OKP', crv: 'Ed25519', kid: 'small', x: Buffer.alloc(32).toString('base64url') },
      null,
      'key',
    ];
    stage.server.publish([stage.key], { more: unusable });
    await stage.remote.ready();
    const { keys, skipped } = stage.remote.stats();
    assert.deepEqual({ keys, skipped }, { keys: 1, skipped: unusable.length });
    const secret = testKey('HS256').raw;
    assert.notEqual(codeOf(() => stage.verify(rawToken({ alg: 'HS256', kid: 'secret' }, {}, secret))), undefined);
  });

  it('trusts neither of two different keys of one kid', async (t) => {
    const stage = await Stage.set(t);
    const twin = generateKey('EdDSA', { kid: 'a' });
    stage.server.publish([stage.key, stage.key, stage.other, twin]);
    await stage.remote.ready();
    for (const key of [stage.key, twin]) assert.equal(codeOf(() => stage.verify(stage.token(key))), 'ERR_KEY_UNKNOWN');
    assert.equal(stage.verify(stage.token(stage.other)).sub, 'alice');
  });

  const useless: readonly (readonly [what: string, body: string | Buffer])[] = [
    ['no usable key', JSON.stringify({ keys: [{ kty: 'oct', alg: 'HS256', k: Buffer.alloc(32).toString('base64url') }] })],
    ['no key', '{"keys":[]}'],
    ['no set', '[]'],
    ['a page', '<html>'],
    ['nothing', ''],
    ['two lists', '{"keys":[],"keys":[]}'],
    ['a byte order mark', '\ufeff{"keys":[]}'],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['deep nesting', `{"keys":${'['.repeat(1000)}${']'.repeat(1000)}}`],
  ];
  for (const [what, body] of useless) {
    it(`keeps its keys when the answer is ${what}`, async (t) => {
      const stage = await Stage.set(t);
      await stage.remote.ready();
      stage.server.send({ body });
      await assert.rejects(stage.remote.refresh(), { code: 'ERR_KEY_SET_UNAVAILABLE' });
      assert.equal(stage.verify(stage.token()).sub, 'alice');
      assert.equal(stage.remote.stats().freshUntil, START + 600_000);
    });
  }

  it('refuses more keys than it may hold', async (t) => {
    const stage = await Stage.set(t, { maxKeys: 1 });
    stage.server.publish([stage.key, stage.other]);
    await assert.rejects(stage.remote.ready(), { code: 'ERR_KEY_SET_UNAVAILABLE', message: /maxKeys/ });
  });

  it('takes keys for the algorithms that are meant', async (t) => {
    const stage = await Stage.set(t, { algorithms: ['EdDSA'] });
    const { alg, ...bare } = stage.other.publicJwk();
    assert.equal(alg, 'EdDSA');
    stage.server.publish([stage.key], { more: [bare] });
    await stage.remote.ready();
    for (const key of [stage.key, stage.other]) assert.equal(stage.verify(stage.token(key)).sub, 'alice');
  });

  it('fetches again after the clock was set back, and never counts that as an age', async (t) => {
    const stage = await Stage.set(t);
    await stage.remote.ready();
    stage.at(-86_400);
    assert.equal(stage.verify(stage.token()).sub, 'alice');
    await stage.settled();
    assert.equal(stage.requests, 2);
    assert.equal(stage.remote.stats().freshUntil, START - 86_400_000 + 600_000);
  });

  it('serves raw JWS, which cannot wait', async (t) => {
    const stage = await Stage.set(t);
    const jws = signJws('hello', stage.key);
    assert.equal(codeOf(() => verifyJws(jws, stage.remote)), 'ERR_NOT_READY');
    await stage.settled();
    assert.equal(verifyJws(jws, stage.remote).payload.toString(), 'hello');
    assert.equal(stage.requests, 1);
  });

  it('serves keys that are verified on the pool', async (t) => {
    const stage = await Stage.set(t);
    const slow = generateKey('ES512', { kid: 'slow' });
    stage.server.publish([slow]);
    assert.equal((await stage.verify.async(stage.token(slow))).sub, 'alice');
    await assert.rejects(stage.verify.async(stage.token(stage.other)), { code: 'ERR_ALGORITHM_NOT_ALLOWED' });
    assert.equal(stage.requests, 2);
  });

  it('serves several verifiers at once', async (t) => {
    const stage = await Stage.set(t);
    const other = createVerifier({ key: stage.remote, algorithms: ['EdDSA'], required: [] });
    await Promise.all([stage.verify.async(stage.token()), other.async(stage.token())]);
    assert.equal(stage.requests, 1);
  });

  it('lets the process end while keys are far from their end', async (t) => {
    const stage = await Stage.set(t);
    await stage.remote.ready();
    assert.ok(!process.getActiveResourcesInfo().includes('Timeout'), 'no timer is left behind');
  });
});
