import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';

import { createSigner, createVerifier, generateKey } from 'keyturn';

const CROWD = join(__dirname, '../support/worker-crowd.js');

/** Runs the crowd in a process of its own, since what is tested is how that process ends. */
function runCrowd(mode: string) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [CROWD, mode], { encoding: 'utf8', timeout: 120_000 });
  return { status, signal, stdout: stdout.trim(), stderr: stderr.trim() };
}

describe('twenty workers at once, ended at random and replaced', () => {
  it('leave a process that ends cleanly', () => {
    assert.deepEqual(runCrowd('main-too'), { status: 0, signal: null, stdout: 'done', stderr: '' });
  });

  it('leave it so also if the main thread never loaded the addon', () => {
    assert.deepEqual(runCrowd('workers-only'), { status: 0, signal: null, stdout: 'done', stderr: '' });
  });

  it('do not hold up process.exit() while they are at work', () => {
    assert.deepEqual(runCrowd('exit'), { status: 0, signal: null, stdout: '', stderr: '' });
  });
});

describe('a worker', () => {
  it('makes tokens that the main thread verifies, with a key that both import', async () => {
    const program = `
      const { createSigner, importKey } = require('keyturn');
      const { parentPort, workerData } = require('node:worker_threads');
      parentPort.postMessage(createSigner({ key: importKey({ secret: workerData }, { alg: 'HS256' }) })({ sub: 'worker' }));`;
    const secret = 'a secret of the test of 32 bytes';
    const { importKey } = await import('keyturn');
    const verify = createVerifier({ key: importKey({ secret }, { alg: 'HS256' }) });
    const tokens = await Promise.all(Array.from({ length: 4 }, () => new Promise<string>((resolve, reject) => {
      new Worker(program, { eval: true, workerData: secret }).once('message', resolve).once('error', reject);
    })));
    for (const token of tokens) assert.equal(verify(token).sub, 'worker');
  });

  it('does not end what the main thread has', async () => {
    const key = generateKey('EdDSA');
    const [sign, verify] = [createSigner({ key }), createVerifier({ key })];
    const worker = new Worker("require('keyturn').generateKey('EdDSA'); setInterval(() => {}, 1000); require('node:worker_threads').parentPort.postMessage(1)", { eval: true });
    await new Promise((resolve) => worker.once('message', resolve));
    await worker.terminate();
    assert.equal(verify(sign({ sub: 'alice' })).sub, 'alice');
  });
});
