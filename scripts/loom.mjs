/**
 * Why this exists: a test of concurrent code sees the few interleavings that happen; loom runs it under all that the memory
 * model allows. loom/ compiles the files of the core that threads share over loom's primitives, in a workspace of its own.
 *
 *     npm run loom -- [ARGUMENT...]
 *
 * The arguments are those of the test binary, for instance a test's name. A first build takes a minute, a run a second.
 */
import { join } from 'node:path';

import { requireNode, requireRust, ToolchainError } from './build/toolchain.mjs';
import { run } from './run.mjs';
import { atRoot } from './source/files.mjs';

try {
  requireNode();
  requireRust();
  const target = join(process.env['CARGO_TARGET_DIR'] ?? atRoot('target'), 'loom');
  const args = ['test', '--manifest-path', atRoot('loom/Cargo.toml'), '--locked', '--lib', '--target-dir', target];
  process.exitCode = await run('cargo', [...args, '--', ...process.argv.slice(2)]);
} catch (error) {
  if (!(error instanceof ToolchainError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
