import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { withoutSanitizer } from './sanitizer.js';

const SCRIPTS = join(__dirname, '../../scripts');

export interface ScriptResult {
  readonly status: number | null;
  /** What it printed as errors, a line each. */
  readonly errors: readonly string[];
}

/** Runs one of scripts/ as `npm test` does. */
export function runScript(name: string, ...args: readonly string[]): ScriptResult {
  const { status, stderr } = spawnSync(process.execPath, [join(SCRIPTS, name), ...args], { encoding: 'utf8', env: withoutSanitizer() });
  return { status, errors: stderr.split('\n').filter((line) => line !== '') };
}
