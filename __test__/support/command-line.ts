import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { PROJECT, projectText } from './documents.js';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const { bin } = JSON.parse(projectText('package.json')) as { readonly bin: { readonly keyturn: string } };

/** The program that `npx keyturn` runs. */
export const PROGRAM = join(PROJECT, bin.keyturn);

/** Runs it as a process of its own. */
export async function keyturn(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ended> {
  // A master key of whoever runs the tests is not theirs to try.
  const env = { ...process.env, KEYTURN_MASTER_KEY: '', ...environment };
  const child = spawn(process.execPath, [PROGRAM, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, stdout, stderr };
}
