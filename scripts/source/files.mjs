/**
 * Why this exists: the checks and the build must agree on what a source file is, with or without git: the test run also
 * has to work in an unpacked archive.
 */
import { readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Made by a tool, installed, or left behind by a run; never written by hand. The same list as in .gitignore. */
const NOT_SOURCE = new Set(['.git', 'coverage', 'data', 'dist', 'node_modules', 'target', 'test-build']);

/**
 * An absolute path from one relative to the repository's root.
 *
 * @param {string} path
 */
export function atRoot(path) {
  return join(ROOT, path);
}

/**
 * Every file below `folder`, as sorted paths relative to `root` with forward slashes. A folder that does not exist holds
 * no files.
 *
 * @param {string} root
 * @param {string} [folder]
 * @returns {string[]}
 */
export function filesBelow(root, folder = '.') {
  return [...walk(root, join(root, folder))].sort();
}

/**
 * @param {string} root
 * @param {string} folder
 * @returns {Generator<string, void>}
 */
function* walk(root, folder) {
  for (const entry of entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!NOT_SOURCE.has(entry.name)) yield* walk(root, path);
    } else if (entry.isFile()) {
      yield relative(root, path).split(sep).join('/');
    }
  }
}

/** @param {string} folder */
function entriesOf(folder) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
