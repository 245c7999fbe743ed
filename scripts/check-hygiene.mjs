/**
 * Why this exists: what no compiler minds but no reader should meet: notes to oneself, a test that was narrowed for one
 * run and stayed so, a file that has become two subjects, a look-alike letter from another alphabet, a panic in a library.
 *
 *     node scripts/check-hygiene.mjs [--root FOLDER]
 *
 * Warnings (a file that grows too long) do not fail the check.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { filesBelow, ROOT } from './source/files.mjs';
import { codeOf, lineAt, withoutTests } from './source/rust.mjs';

/** Written by a tool from something that is checked itself. */
const GENERATED = /^(native\/|benches\/record\/|(.*\/)?package-lock\.json$|(.*\/)?Cargo\.lock$)/;

const TEXT = /\.(ts|mts|cts|js|mjs|cjs|rs|toml|json|md|html|css|yml|yaml|sh|txt|gitignore|editorconfig)$|^LICENSE$|^\.ci\/run$/;
const SCRIPT = /\.(ts|mts|cts|js|mjs|cjs)$/;
const RUST = /\.rs$/;
const SHIPPED_RUST = /^(src|crates\/[^/]+\/src)\/.*\.rs$/;

/**
 * What must not stand in a file. The patterns are written so that this file does not match itself.
 *
 * @typedef {object} Rule
 * @property {RegExp} holds
 * @property {RegExp} never
 * @property {'text' | 'code' | 'shipped'} within All of it; Rust without comments and strings; that without tests as well.
 * @property {string} because
 */

/** @type {readonly Rule[]} */
const RULES = [
  { holds: TEXT, never: /[^\t\n\r\x20-\x7e]/g, within: 'text', because: 'not ASCII; write an escape or a plain word' },
  { holds: TEXT, never: /\b(TO[D]O|FIX[M]E|XX[X])\b/g, within: 'text', because: 'unfinished; do it or write an issue' },
  { holds: SCRIPT, never: /:\s*any\b|\bas\s+any\b|<\s*any\s*>/g, within: 'text', because: 'untyped; write `unknown` and check' },
  { holds: SCRIPT, never: /\.only\s*\(|\bonly:\s*true\b/g, within: 'text', because: 'leaves every other test out' },
  {
    holds: SCRIPT,
    never: /\b(describe|it|suite|test)\.(skip|todo)\s*\(|\.skip\s*\(\s*\)|\b(skip|todo):\s*true\b/g,
    within: 'text',
    because: 'skipped without a reason; write { skip: reason }, best from __test__/support/requirements.ts',
  },
  { holds: RUST, never: /#\[ignore\s*\]/g, within: 'code', because: 'skipped without a reason; write #[ignore = "reason"]' },
  { holds: RUST, never: /\b(todo|unimplemented|dbg)!/g, within: 'code', because: 'unfinished' },
  { holds: SHIPPED_RUST, never: /\.(unwrap|expect)\s*\(/g, within: 'shipped', because: 'can panic; return an error' },
];

/** Lines of code and comment; inline Rust tests do not count. */
const LENGTHS = [
  { holds: SCRIPT, warn: 300, fail: 450 },
  { holds: RUST, warn: 400, fail: 600 },
];

const { values } = parseArgs({ options: { root: { type: 'string', default: ROOT } } });
main();

function main() {
  const files = filesBelow(values.root).filter((path) => TEXT.test(path) && !GENERATED.test(path));
  let failures = 0;
  for (const path of files) {
    const source = readSource(path);
    failures += reportForbidden(path, source) + reportLength(path, source);
  }
  console.log(`hygiene: ${String(failures)} wrong in ${String(files.length)} files`);
  process.exitCode = failures === 0 ? 0 : 1;
}

/** @typedef {{ readonly text: string, readonly code: string, readonly shipped: string }} Source */

/**
 * @param {string} path
 * @returns {Source}
 */
function readSource(path) {
  const text = readFileSync(join(values.root, path), 'utf8');
  if (!RUST.test(path)) return { text, code: text, shipped: text };
  const code = codeOf(text);
  return { text, code, shipped: withoutTests(code) };
}

/**
 * @param {string} path
 * @param {Source} source
 * @returns {number} How many were found.
 */
function reportForbidden(path, source) {
  let found = 0;
  for (const { holds, never, within, because } of RULES) {
    if (!holds.test(path)) continue;
    for (const hit of source[within].matchAll(never)) {
      found += 1;
      console.error(`${path}:${String(lineAt(source[within], hit.index))}: ${JSON.stringify(hit[0])}: ${because}`);
    }
  }
  return found;
}

/**
 * @param {string} path
 * @param {Source} source
 * @returns {number} 1 if the file is too long, otherwise 0.
 */
function reportLength(path, source) {
  const limit = LENGTHS.find(({ holds }) => holds.test(path));
  const lines = countLines(source);
  if (limit === undefined || lines <= limit.warn) return 0;
  const fails = lines > limit.fail;
  console.error(`${path}: ${String(lines)} lines: ${fails ? 'too long; split it' : 'warning; is it still one subject?'}`);
  return fails ? 1 : 0;
}

/**
 * Lines of the text less those that are blank only because they belong to an inline test module.
 *
 * @param {Source} source
 */
function countLines({ text, code, shipped }) {
  const codeLines = code.split('\n');
  const shippedLines = shipped.split('\n');
  const testLines = codeLines.filter((line, index) => line.trim() !== '' && shippedLines[index]?.trim() === '').length;
  return text.trimEnd().split('\n').length - testLines;
}
