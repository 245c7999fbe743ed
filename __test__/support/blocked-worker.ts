import { parentPort, workerData } from 'node:worker_threads';

import { createSigner, generateKey } from 'keyturn';

import { SLOW } from './slow.js';

// A worker that asks the pool for so many signatures and then never lets its event loop turn, until it is ended.
const sign = createSigner({ key: generateKey(SLOW) });
for (let count = 0; count < (workerData as number); count += 1) {
  sign.async({}).catch((error: unknown) => {
    throw error;
  });
}
parentPort?.postMessage('asked');
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
