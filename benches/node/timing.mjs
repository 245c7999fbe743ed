/** How calls are timed. The clock runs around the calls only: the making of what they are given is not in it. */

/** Inputs are made so many at a time: enough that the clock is not felt, little enough that memory stays bounded. */
const BATCH = 512;

/**
 * What is timed, how it is fed and how it is judged.
 *
 * @typedef {object} Timed
 * @property {boolean} awaited Whether `run` answers with a promise, which is awaited before the next call.
 * @property {(index: number) => unknown} input A new input, the like of which no call has seen.
 * @property {(input: unknown) => unknown} run The timed part.
 * @property {(result: unknown, index: number) => void} check Throws unless it is the right result for input `index`.
 */

/**
 * @param {Timed} timed
 * @param {number} iterations
 * @returns {Promise<bigint>} Nanoseconds.
 */
export async function time({ awaited, input, run, check }, iterations) {
  let elapsed = 0n;
  for (let done = 0; done < iterations; done += BATCH) {
    const inputs = Array.from({ length: Math.min(BATCH, iterations - done) }, (_, index) => input(done + index));
    const { nanoseconds, last } = awaited ? await awaitEach(run, inputs) : callEach(run, inputs);
    elapsed += nanoseconds;
    check(last, done + inputs.length - 1);
  }
  return elapsed;
}

/**
 * @param {Timed['run']} run
 * @param {readonly unknown[]} inputs
 */
function callEach(run, inputs) {
  /** @type {unknown} */
  let last;
  const started = process.hrtime.bigint();
  for (const input of inputs) last = run(input);
  return { nanoseconds: process.hrtime.bigint() - started, last };
}

/**
 * @param {Timed['run']} run
 * @param {readonly unknown[]} inputs
 */
async function awaitEach(run, inputs) {
  /** @type {unknown} */
  let last;
  const started = process.hrtime.bigint();
  for (const input of inputs) last = await run(input);
  return { nanoseconds: process.hrtime.bigint() - started, last };
}
