import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';

import { createSigner, createVerifier, generateKey, type Key, KeyturnError, type Signer, verifyPassword } from 'keyturn';

import { SLOW } from './support/slow.js';

/** Threads of the pool's lane for tokens, and how many wait. */
const MOST = 4096 + 4;

describe('the pool of signatures', () => {
  let key: Key;
  let sign: Signer;
  before(() => {
    key = generateKey(SLOW);
    sign = createSigner({ key });
  });

  it('answers each call with its own token', async () => {
    const verify = createVerifier({ key });
    const tokens = await Promise.all(Array.from({ length: 500 }, (_, n) => sign.async({ n })));
    tokens.forEach((token, n) => assert.equal(verify(token)['n'], n));
  });

  it('refuses at once what is too much, says so, answers the rest, and takes more afterwards', async () => {
    const calls = Promise.allSettled(Array.from({ length: MOST + 100 }, (_, n) => sign.async({ n })));
    // The event loop does not turn here, so nothing is fetched: what the pool gets done meanwhile makes no room.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    await assert.rejects(sign.async({}), { name: 'KeyturnError', code: 'ERR_POOL_FULL' });
    // The other lane has room.
    assert.equal(await verifyPassword(null, 'x'), false);
    const results = await calls;
    const refused = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason as unknown);
    assert.ok(refused.length >= 100 && refused.length <= 103, `${refused.length} were refused`);
    for (const error of refused) assert.ok(error instanceof KeyturnError && error.code === 'ERR_POOL_FULL');
    assert.equal(new Set(await Promise.all(Array.from({ length: 100 }, (_, n) => sign.async({ n })))).size, 100);
  });

  it('has room for others while a thread that asked for much fetches nothing', async () => {
    // Room for either, not for both at once.
    const many = 2500;
    const worker = new Worker(join(__dirname, 'support', 'blocked-worker.js'), { workerData: many });
    await once(worker, 'message');
    // First come, first served: when these are answered, so is what the worker asked for.
    await Promise.all(Array.from({ length: 50 }, () => sign.async({})));
    const answered = Array.from({ length: many }, () => sign.async({}));
    assert.equal(new Set(await Promise.all(answered)).size, answered.length);
    await worker.terminate();
  });

  it('does not wait for passwords', async () => {
    const order: string[] = [];
    const passwords = Array.from({ length: 16 }, () => verifyPassword(null, 'x').then(() => order.push('password')));
    await sign.async({}).then(() => order.push('token'));
    await Promise.all(passwords);
    assert.ok(order.indexOf('token') < 8, order.join(' '));
  });

  it('leaves the event loop its turns between answers', async () => {
    let turns = 0;
    let turning = true;
    const turn = (): void => {
      turns += 1;
      if (turning) setImmediate(turn);
    };
    setImmediate(turn);
    await Promise.all(Array.from({ length: 1000 }, () => sign.async({}))).finally(() => (turning = false));
    assert.ok(turns >= 30, `${turns} turns`);
  });

  it('does not depend on a clock that a test has taken over', async (t) => {
    t.mock.timers.enable();
    assert.equal((await Promise.all(Array.from({ length: 200 }, () => sign.async({})))).length, 200);
  });

  it('goes on in the context of the call', async () => {
    const storage = new AsyncLocalStorage<number>();
    const seen = await Promise.all([1, 2, 3].map((n) => storage.run(n, async () => {
      await sign.async({});
      return storage.getStore();
    })));
    assert.deepEqual(seen, [1, 2, 3]);
  });
});

describe('the asynchronous faces', () => {
  for (const alg of ['HS256', SLOW] as const) {
    const key = generateKey(alg, { kid: 'k' });
    const [sign, verify] = [createSigner({ key, issuer: 'i', header: { cty: 'x' } }), createVerifier({ key, issuer: 'i', required: ['exp', 'role'] })];

    it(`with ${alg} answer as the others do`, async (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_999 });
      const call = { subject: 's', jti: 'j', expiresIn: 60 };
      const token = await sign.async({ role: 'admin' }, call);
      assert.equal(token.split('.').slice(0, 2).join('.'), sign({ role: 'admin' }, call).split('.').slice(0, 2).join('.'));
      assert.deepEqual(await verify.async(token), verify(token));
      t.mock.timers.tick(60_000);
      await assert.rejects(verify.async(token), { code: 'ERR_TOKEN_EXPIRED' });
    });

    it(`with ${alg} reject with what the others throw`, async () => {
      const cycle: Record<string, unknown> = {};
      cycle['cycle'] = cycle;
      const claims: readonly unknown[] = [undefined, null, 7, [], 'a', cycle, { a: 1n }, { exp: 'x' }, { iss: 'other' }, { a: '\ud800' }, { a: 'x'.repeat(70_000) }];
      for (const one of claims) await assert.rejects(sign.async(one as Record<string, unknown>), { code: 'ERR_CLAIMS_INVALID' });
      await assert.rejects(sign.async({}, { subject: 'x'.repeat(2000) }), { code: 'ERR_CLAIMS_INVALID' });
      await assert.rejects(sign.async({}, { subject: 7 } as never), { code: 'ERR_OPTION_INVALID', claim: 'subject' });
      await assert.rejects(sign.async({}, { sub: 'a' } as never), { code: 'ERR_OPTION_UNKNOWN' });
      const tokens: readonly unknown[] = [undefined, null, 7, {}, '', '..', 'x'.repeat(9000), '\u0141'.repeat(5000), `${sign({ role: 1 })}x`];
      for (const token of tokens) {
        const thrown: unknown = await verify.async(token as string).catch((error: unknown) => error);
        assert.ok(thrown instanceof KeyturnError);
        assert.throws(() => verify(token as string), { code: thrown.code, message: thrown.message });
      }
      await assert.rejects(verify.async(sign({})), { code: 'ERR_CLAIM_MISSING', claim: 'role' });
    });

    it(`with ${alg} take claims and time as they are at the call`, async (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 });
      const claims = { role: 'user' };
      const signed = sign.async(claims, { expiresIn: 10 });
      claims.role = 'admin';
      t.mock.timers.tick(5000);
      const token = await signed;
      assert.deepEqual([verify(token)['role'], verify(token)['iat']], ['user', 1_800_000_000]);
      const verified = verify.async(token);
      t.mock.timers.tick(5000);
      assert.equal((await verified)['role'], 'user');
      assert.throws(() => verify(token), { code: 'ERR_TOKEN_EXPIRED' });
    });

    it(`with ${alg} never throw at the call`, () => {
      for (const call of [() => sign.async(undefined as never), () => verify.async(undefined as never), () => sign.async({}, null as never)]) {
        const promise: unknown = call();
        assert.ok(promise instanceof Promise);
        promise.catch(() => undefined);
      }
    });
  }
});
