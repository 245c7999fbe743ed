/**
 * Why this exists: a rule about imports has to see all their forms (`import`, `export from`, `import type`, `import()`,
 * `require()`), so the compiler's own scanner lists them, not a pattern.
 */
import { posix } from 'node:path';

import ts from 'typescript';

/** Where a .js file is not the output of a .ts file beside it. */
const BUILT = /^\.\/(native|dist)\//;

/**
 * What a TypeScript or JavaScript file imports: for a relative import `./` and the path from the root, with the extension
 * of the source; for a builtin `node:...`; otherwise the name of the package.
 *
 * @param {string} path From the root, with forward slashes.
 * @param {string} text
 * @returns {{ readonly target: string, readonly line: number }[]}
 */
export function importsOf(path, text) {
  const { importedFiles } = ts.preProcessFile(text, true, true);
  return importedFiles.map(({ fileName, pos }) => ({
    target: targetOf(path, fileName),
    line: text.slice(0, pos).split('\n').length,
  }));
}

/**
 * @param {string} path
 * @param {string} specifier
 */
function targetOf(path, specifier) {
  if (specifier.startsWith('.')) {
    const target = `./${posix.normalize(posix.join(posix.dirname(path), specifier))}`;
    return BUILT.test(target) ? target : target.replace(/\.js$/, '.ts');
  }
  if (specifier.startsWith('node:')) return specifier;
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}
