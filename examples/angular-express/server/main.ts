import { type Demo, startDemo } from './demo.js';
import { readEnvironment } from './environment.js';
import { describeStartFailure } from './start-failure.js';
import { stopSignal } from './stop-signal.js';
import { printWarningsOnce } from './warnings.js';

void main();

/** Starts, runs until told to stop, and exits: 0 after a clean stop, 1 with one line on stderr if it could not start or stop. */
async function main(): Promise<void> {
  const stopped = stopSignal();
  let demo: Demo | undefined;
  try {
    demo = startDemo(readEnvironment(process.env));
    printWarningsOnce(demo.started);
    await Promise.race([demo.started, stopped]);
    await stopped;
    await demo.stop();
  } catch (error) {
    console.error(`keyturn demo: ${describeStartFailure(error)}`);
    await demo?.stop().catch(() => undefined);
    process.exit(1);
  }
  process.exit(0);
}
