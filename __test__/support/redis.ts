import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { accepts, freePort } from './ports.js';
import { requirement } from './requirements.js';
import { withoutSanitizer } from './sanitizer.js';
import { temporaryFolder } from './sessions.js';

/** Redis, or why the tests that need it are skipped. */
export const redis = requirement('redis-server');

/** A Redis server of the test's own that keeps nothing on disk, and its URL. */
export async function startRedis(t: TestContext, options: readonly string[] = []): Promise<{ readonly url: string; readonly port: number }> {
  const port = await freePort();
  const folder = temporaryFolder(t);
  const child = spawn(redis.path, ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder, ...options], { stdio: 'ignore', env: withoutSanitizer() });
  t.after(() => child.kill('SIGKILL'));
  await answering(port);
  return { url: `redis://127.0.0.1:${String(port)}`, port };
}

/** Has Redis do something of which no client of keyturn's own would think. */
export async function command(port: number, line: string): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.write(`${line}\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  if (!answer.toString().startsWith('+')) throw new Error(`Redis says ${answer.toString()}`);
}

async function answering(port: number): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await accepts(port))) {
    if (performance.now() > deadline) throw new Error('redis-server did not answer in time');
    await setTimeout(10);
  }
}
