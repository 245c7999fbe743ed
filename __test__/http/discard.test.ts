import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { describe, it, type TestContext } from 'node:test';

import { discardBody } from '../../dist/http/discard.js';

/** A body under the test's own clock. */
function body(t: TestContext): PassThrough & IncomingMessage {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  return new PassThrough() as unknown as PassThrough & IncomingMessage;
}

describe('discardBody', () => {
  it('reads a body to its end and leaves no listener behind', async (t) => {
    const req = body(t);
    const before = req.eventNames().length;
    const discarded = discardBody(req);
    req.end(Buffer.alloc(1_000_000));
    await discarded;
    assert.equal(req.readableEnded, true);
    assert.equal(req.eventNames().length, before);
  });

  it('has nothing to do for a body that was read', async (t) => {
    const req = body(t);
    req.end();
    await discardBody(req);
    await discardBody(req);
  });

  it('resolves when the client goes away', async (t) => {
    const req = body(t);
    const discarded = discardBody(req);
    req.destroy();
    await discarded;
  });

  it('resolves after 8 MB, and cuts the connection a second later', async (t) => {
    const req = body(t);
    const discarded = discardBody(req);
    for (let i = 0; i < 9; i += 1) req.write(Buffer.alloc(1024 * 1024));
    await discarded;
    assert.equal(req.destroyed, false);
    t.mock.timers.tick(1_000);
    assert.equal(req.destroyed, true);
  });

  it('resolves after 10 seconds, and cuts the connection a second later', async (t) => {
    const req = body(t);
    const discarded = discardBody(req);
    t.mock.timers.tick(10_000);
    await discarded;
    assert.equal(req.destroyed, false);
    t.mock.timers.tick(1_000);
    assert.equal(req.destroyed, true);
  });
});
