import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { KeyturnError } from '../../dist/errors.js';
import { Readiness } from '../../dist/express/readiness.js';
import { FakeSessions } from '../support/fake-sessions.js';

describe('Readiness', () => {
  it('is ready once the sessions are, and asks no more', async () => {
    const sessions = new FakeSessions();
    const readiness = new Readiness(sessions);
    assert.equal(readiness.isReady, false);
    await readiness.wait();
    assert.equal(readiness.isReady, true);
    sessions.readiness = Promise.reject(new Error('asked again'));
    await readiness.wait();
  });

  it('gives up after five seconds with ERR_NOT_READY', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const sessions = new FakeSessions();
    sessions.readiness = new Promise(() => undefined);
    const readiness = new Readiness(sessions);
    const waits = [readiness.wait(), readiness.wait()];
    t.mock.timers.tick(5_000);
    for (const wait of waits) await assert.rejects(wait, { code: 'ERR_NOT_READY' });
    assert.equal(readiness.isReady, false);
  });

  it("passes the store's error on, and asks again", async () => {
    const sessions = new FakeSessions();
    sessions.readiness = Promise.reject(new KeyturnError('ERR_STORE_CORRUPT', 'not a database'));
    const readiness = new Readiness(sessions);
    await assert.rejects(readiness.wait(), { code: 'ERR_STORE_CORRUPT' });
    sessions.readiness = Promise.resolve();
    await readiness.wait();
    assert.equal(readiness.isReady, true);
  });

  for (const error of [new TypeError('boom'), new KeyturnError('ERR_KEY_INVALID', 'a bad key')]) {
    it(`turns ${error.name} into ERR_NOT_READY with its cause`, async () => {
      const sessions = new FakeSessions();
      sessions.readiness = Promise.reject(error);
      await assert.rejects(new Readiness(sessions).wait(), { code: 'ERR_NOT_READY', cause: error });
    });
  }
});
