/**
 * Why this exists: what a refresh costs depends on the disk and the server under it, so each figure stands beside what they
 * give to somebody who does nothing else. This is all of it in one command.
 *
 *     node scripts/bench-sessions.mjs [MILLISECONDS]
 *
 * MILLISECONDS is the length of a turn. Needs Debian's redis-server and redis-tools.
 */
import { prepareBench } from './bench/prepare.mjs';
import { ToolchainError } from './build/toolchain.mjs';
import { run } from './run.mjs';
import { atRoot } from './source/files.mjs';

try {
  const args = [atRoot('benches/node/sessions.mjs'), atRoot('target/bench-sessions'), ...process.argv.slice(2)];
  process.exitCode = (await prepareBench()) ? await run(process.execPath, args) : 1;
} catch (error) {
  if (!(error instanceof ToolchainError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
