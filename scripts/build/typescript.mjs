/**
 * Why this exists: `tsc --build` knows what is stale but never removes the output of a source that is gone, and a test
 * or module left over from yesterday would still run, or be published.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { run } from '../run.mjs';
import { atRoot, filesBelow, ROOT } from '../source/files.mjs';

/** Rooms of TypeScript that emit, and where to. */
const EMITTING = [
  { room: 'lib', output: 'dist' },
  { room: '__test__', output: 'test-build' },
  { room: 'examples/quickstart', output: 'examples/quickstart/dist' },
  { room: 'examples/angular-express/server', output: 'examples/angular-express/server/dist' },
];

/**
 * Compiles and type-checks the rooms, and those that they need, if they are stale.
 *
 * @param {readonly string[]} [rooms] All of them, if not given.
 * @returns {Promise<boolean>} Whether it succeeded; what went wrong has been printed.
 */
export async function buildTypeScript(rooms = ['.']) {
  for (const { room, output } of EMITTING) removeOrphans(room, output);
  const compiler = atRoot('node_modules/typescript/bin/tsc');
  return (await run(process.execPath, [compiler, '--build', ...rooms.map(atRoot)])) === 0;
}

/**
 * @param {string} room
 * @param {string} output
 */
function removeOrphans(room, output) {
  const sources = new Set(filesBelow(join(ROOT, room)).map((path) => path.replace(/\.ts$/, '')));
  for (const path of filesBelow(join(ROOT, output))) {
    const source = /^(.+?)(\.d\.ts|\.js|\.js\.map)$/.exec(path)?.[1];
    if (source !== undefined && !sources.has(source)) rmSync(join(ROOT, output, path));
  }
}
