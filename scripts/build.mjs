/**
 * Why this exists: the package has two compilers, and a start or a test run must use what the sources say now without
 * paying for a build that changes nothing. `npm start` and `npm test` build through the same parts, and nothing builds
 * during an install.
 *
 *     node scripts/build.mjs [--debug] [--check] [ROOM...]
 *
 * `--check` fails, instead of updating them, if native/index.{js,d.ts} are not what the binding generates. A ROOM is a
 * folder with a tsconfig.json; without one, all are built.
 */
import { parseArgs } from 'node:util';

import { buildAddon } from './build/addon.mjs';
import { requireNode, ToolchainError } from './build/toolchain.mjs';
import { buildTypeScript } from './build/typescript.mjs';

const { values, positionals } = parseArgs({
  options: { check: { type: 'boolean', default: false }, debug: { type: 'boolean', default: false } },
  allowPositionals: true,
});

try {
  requireNode();
  const rooms = positionals.length === 0 ? undefined : positionals;
  const succeeded = (await buildAddon(values)) && (await buildTypeScript(rooms));
  process.exitCode = succeeded ? 0 : 1;
} catch (error) {
  if (!(error instanceof ToolchainError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
