/**
 * Why this exists: every command that writes a record is called in one way, and ends in one way.
 */
import { parseArgs } from 'node:util';

import { ToolchainError } from '../build/toolchain.mjs';

/**
 * Runs a command that takes nothing but `--trial`, and sets the exit code of this process: 1 if it failed or a tool is missing.
 *
 * @param {(trial: boolean) => Promise<boolean>} record Whether it succeeded; what went wrong has been printed.
 */
export async function runRecording(record) {
  const { values } = parseArgs({ options: { trial: { type: 'boolean', default: false } } });
  try {
    process.exitCode = (await record(values.trial)) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof ToolchainError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
