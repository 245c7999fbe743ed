/**
 * Why this exists: a build takes minutes, and whoever stops it (Ctrl-C, or `kill` on the npm process) must not leave a
 * compiler running behind. Every command that the scripts start goes through here: it writes straight to our terminal
 * or log, and a signal that reaches us reaches it too before we end.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** @typedef {'SIGHUP' | 'SIGINT' | 'SIGTERM'} StopSignal */

/** @type {readonly StopSignal[]} */
const STOP_SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'];

/**
 * Runs a command and resolves with its exit code, 127 if it cannot be started. Does not return if we are told to stop
 * meanwhile: the command is told too, and then this process exits with the code that the signal stands for.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ readonly env?: NodeJS.ProcessEnv }} [options] `env` is added to ours.
 * @returns {Promise<number>}
 */
export async function run(command, args, options = {}) {
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...options.env } });
  return untilStopped(
    new Promise((resolve) => {
      child.once('error', (error) => {
        console.error(`${command}: ${error.message}`);
        resolve(127);
      });
      child.once('exit', (code, signal) => {
        resolve(code ?? exitCodeOf(signal ?? 'SIGTERM'));
      });
    }),
    (signal) => {
      child.kill(signal);
    },
  );
}

/**
 * Waits for `work`. If we are told to stop meanwhile, `stop` is called, and once the work has ended, well or badly, this
 * process exits.
 *
 * @template T
 * @param {Promise<T>} work
 * @param {(signal: StopSignal) => void} stop
 * @returns {Promise<T>}
 */
export async function untilStopped(work, stop) {
  /** @type {StopSignal | undefined} */
  let stoppedBy;
  /** @param {NodeJS.Signals} signal */
  const onSignal = (signal) => {
    stoppedBy = STOP_SIGNALS.find((name) => name === signal);
    if (stoppedBy !== undefined) stop(stoppedBy);
  };
  for (const signal of STOP_SIGNALS) process.on(signal, onSignal);
  try {
    return await work;
  } finally {
    for (const signal of STOP_SIGNALS) process.off(signal, onSignal);
    if (stoppedBy !== undefined) process.exit(exitCodeOf(stoppedBy));
  }
}

/** @param {NodeJS.Signals} signal */
function exitCodeOf(signal) {
  return 128 + constants.signals[signal];
}
