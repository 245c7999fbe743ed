/**
 * How long the event loop is held while so many signatures are in flight without a pause that the pool never rests: the
 * delay of a timer of one millisecond, which is what any other request would wait. It includes that millisecond.
 *
 *     node benches/node/event-loop.mjs [--alg RS256] [--in-flight 1000] [--seconds 10]
 *
 * Prints the delay in milliseconds (median, p99, longest) and the signatures a second; the same while nothing is asked for,
 * which is what the machine itself costs; and, for comparison, the same work done synchronously, one signature a turn.
 */
import { createRequire } from 'node:module';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const require = createRequire(new URL('../../package.json', import.meta.url));
/** @type {unknown} */
const keyturn = require('keyturn');
const { createSigner, generateKey } = /** @type {typeof import('keyturn')} */ (keyturn);

const { values } = parseArgs({
  options: {
    alg: { type: 'string', default: 'RS256' },
    'in-flight': { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '10' },
  },
});
const [inFlight, seconds] = [Number(values['in-flight']), Number(values.seconds)];
const sign = createSigner({ key: generateKey(/** @type {import('keyturn').Algorithm} */ (values.alg)) });
const claims = { sub: 'alice', roles: ['user', 'admin'], jti: '018c0ae5-4d9b-471b-bfd6-eef314bc7037' };

await measure(`${values.alg}, ${inFlight} in flight`, async (done) => {
  let count = 0;
  const one = async () => {
    while (!done()) {
      await sign.async(claims);
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  return count;
});
await measure('nothing', async (done) => {
  while (!done()) await pause(50);
  return 0;
});
await measure(`${values.alg}, synchronous, one a turn`, async (done) => {
  let count = 0;
  while (!done()) {
    sign(claims);
    count += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return count;
});

/**
 * @param {string} name
 * @param {(done: () => boolean) => Promise<number>} work Works until it is done, and says how often it did.
 */
async function measure(name, work) {
  const warm = performance.now() + 1000;
  await work(() => performance.now() > warm);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const started = performance.now();
  const count = await work(() => performance.now() > started + seconds * 1000);
  const elapsed = (performance.now() - started) / 1000;
  delay.disable();
  const ms = [delay.percentile(50), delay.percentile(99), delay.max].map((ns) => (ns / 1e6).toFixed(2));
  console.log(`${name}: delay median ${ms[0]} ms, p99 ${ms[1]} ms, longest ${ms[2]} ms; ${Math.round(count / elapsed)} signatures/s`);
}
