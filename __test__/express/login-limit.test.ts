import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { LoginLimit } from '../../dist/express/login-limit.js';
import { internalsOf } from '../../dist/sessions/internals.js';
import { FakeSessions } from '../support/fake-sessions.js';

function limitOf(limit: number): LoginLimit {
  const internals = internalsOf(new FakeSessions());
  return new LoginLimit((options) => internals.createLimiter(options), { limit, windowMs: 60_000 });
}

describe('LoginLimit', () => {
  it('lets the limit pass at once, then says how long to wait', () => {
    const limit = limitOf(3);
    assert.deepEqual([1, 2, 3, 4].map(() => limit.take('203.0.113.7', 'alice', 0)), [0, 0, 0, 20_000]);
    assert.equal(limit.take('203.0.113.7', 'alice', 20_000), 0);
  });

  it('does not let one address lock an account for others', () => {
    const limit = limitOf(1);
    limit.take('203.0.113.7', 'alice', 0);
    assert.ok(limit.take('203.0.113.7', 'alice', 0) > 0);
    assert.equal(limit.take('198.51.100.1', 'alice', 0), 0);
  });

  it('does not let failures on one account keep its neighbour behind the same address out', () => {
    const limit = limitOf(1);
    limit.take('203.0.113.7', 'alice', 0);
    assert.equal(limit.take('203.0.113.7', 'bob', 0), 0);
  });

  it('stops one address that tries every account', () => {
    const limit = limitOf(2);
    for (let i = 0; i < 20; i += 1) assert.equal(limit.take('203.0.113.7', `user${String(i)}`, 0), 0);
    assert.ok(limit.take('203.0.113.7', 'user20', 0) > 0);
    assert.equal(limit.take('198.51.100.1', 'user20', 0), 0);
  });

  it('counts spellings of one account together', () => {
    const limit = limitOf(1);
    limit.take('203.0.113.7', 'alice', 0);
    for (const account of ['Alice', ' alice ', 'ALICE', '\uff41lice', `alice${' '.repeat(1000)}`]) {
      assert.ok(limit.take('203.0.113.7', account, 0) > 0, account);
    }
  });

  it('asks for no limit that a limiter could not count', () => {
    const sessions = new FakeSessions();
    const internals = internalsOf(sessions);
    new LoginLimit((options) => internals.createLimiter(options), { limit: 1_000_000, windowMs: 1000 });
    assert.deepEqual(sessions.limiters.map(({ limit }) => limit), [1_000_000, 1_000_000]);
  });

  it('bounds both the number of keys and their length', () => {
    const sessions = new FakeSessions();
    const internals = internalsOf(sessions);
    const keys: string[] = [];
    const limit = new LoginLimit((options) => {
      internals.createLimiter(options);
      return { take: (key) => { keys.push(key); return 0; } };
    }, { limit: 1, windowMs: 60_000 });
    limit.take('203.0.113.7', 'x'.repeat(1_000_000), 0);
    assert.ok(keys.every((key) => key.length < 300));
    assert.ok(sessions.limiters.every(({ maxKeys }) => maxKeys === 65_536));
  });
});
