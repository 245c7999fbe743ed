/**
 * A program for the tests of memory: does one thing again and again, and says after each of twenty parts how much memory the
 * process holds.
 *
 *     node --expose-gc memory-program.js WORK TIMES
 */
import { createSigner, createVerifier, generateKey, KeyturnError, signJws, verifyJws } from 'keyturn';

import { SLOW } from '../support/slow.js';

const PARTS = 20;
/** Finalizers run in a turn of their own. */
const TURN = 1000;

const key = generateKey('HS256');
const sign = createSigner({ key, audience: ['a', 'b'] });
const verify = createVerifier({ key, audience: 'a' });
const slow = generateKey(SLOW);
const [signSlowly, verifySlowly] = [createSigner({ key: slow }), createVerifier({ key: slow })];
const good = sign({ sub: 'alice', roles: ['user'], jti: 'j', name: '\u0141ukasz' });
const forged = createSigner({ key: generateKey('HS256'), audience: 'a' })({});

type Work = (n: number) => unknown;

const WORK: Readonly<Record<string, Work>> = {
  verify: () => verify(good.slice(0, 20) + good.slice(20)),
  refuse() {
    refused(() => verify(forged));
    refused(() => verify('x'.repeat(9000)));
  },
  sign: (n) => sign({ sub: 'alice', n }),
  'sign and verify any bytes': (n) => verifyJws(signJws(String(n), key), key),
  'make and drop': () => createVerifier({ key, issuer: 'i' })(createSigner({ key, issuer: 'i' })({})),
  'make and drop keys': () => createSigner({ key: generateKey('EdDSA') })({}),
  'on the pool': async (n) => verifySlowly.async(await signSlowly.async({ n })),
};

function refused(call: () => unknown): void {
  try {
    call();
  } catch (error) {
    if (error instanceof KeyturnError) return;
  }
  throw new Error('a bad token was not refused');
}

async function run(work: Work, times: number): Promise<void> {
  const answers: unknown[] = [];
  for (let part = 0; part < PARTS; part += 1) {
    for (let n = 0; n < times / PARTS; n += 1) {
      const answer = work(n);
      if (answer instanceof Promise) answers.push(answer);
      if (n % TURN !== 0) continue;
      await Promise.all(answers.splice(0));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(answers.splice(0));
    for (let turn = 0; turn < 3; turn += 1) {
      globalThis.gc?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    console.log(process.memoryUsage().rss);
  }
}

const work = WORK[process.argv[2] ?? ''];
if (work !== undefined) void run(work, Number(process.argv[3]));
