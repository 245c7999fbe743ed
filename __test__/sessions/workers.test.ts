import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';

import { coded, openSessions, temporaryFolder } from '../support/sessions.js';

const SCRIPT = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { createSessions } = require('keyturn');
  const sessions = createSessions({ store: workerData.store, issuer: 'https://app.test', audience: 'app' });
  sessions.ready().then(async () => {
    const { sub, sid } = sessions.verify(workerData.accessToken);
    await sessions.end(sid);
    parentPort.postMessage(sub);
  });`;

describe('threads of one process', () => {
  for (const kind of ['memory', 'sqlite']) {
    it(`share one state on a ${kind} store: what one ends is refused by the others at once`, async (t) => {
      const store = kind === 'memory' ? `memory:${String(Math.random())}` : `sqlite:${join(temporaryFolder(t), 'keyturn.db')}`;
      const sessions = openSessions(t, { store });
      for (let round = 0; round < 5; round += 1) {
        const { accessToken } = await sessions.start({ subject: 'alice' });
        const worker = new Worker(SCRIPT, { eval: true, workerData: { store, accessToken } });
        const sub = await new Promise((resolve, reject) => {
          worker.once('message', resolve);
          worker.once('error', reject);
        });
        assert.equal(sub, 'alice');
        assert.throws(() => sessions.verify(accessToken), coded('ERR_TOKEN_REVOKED'));
        await worker.terminate();
      }
    });
  }
});
