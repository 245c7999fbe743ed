/**
 * Why this exists: the layers only hold if an arrow in the wrong direction cannot land. Both compilers accept one
 * without a word: Rust as soon as a crate is in Cargo.toml, TypeScript as soon as a relative path is right.
 *
 *     node scripts/check-layers.mjs [--root FOLDER]
 *
 * The tables below are the rules. A file that no row of ROOMS claims is an error, so that a new room states its arrows.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { filesBelow, ROOT } from './source/files.mjs';
import { importsOf } from './source/imports.mjs';
import { codeOf, lineAt, pathsIn, withoutTests } from './source/rust.mjs';

/**
 * Where a TypeScript or JavaScript file belongs, and what it may import: rooms, folders of built files (`./dist/`), `node`
 * for Node's builtins, `npm:name` for one package, `npm:*` for all but this one. The first row that matches a file is its
 * room.
 *
 * @type {readonly { readonly room: string, readonly holds: RegExp, readonly imports: readonly string[] }[]}
 */
const ROOMS = [
  { room: 'errors', holds: /^lib\/errors\.ts$/, imports: [] },
  { room: 'native', holds: /^lib\/native\.ts$/, imports: ['./native/', 'errors'] },
  {
    room: 'entry',
    holds: /^lib\/index\.ts$/,
    imports: ['errors', 'options', 'shared', 'keys', 'jwe', 'revocation', 'tokens', 'sessions', 'express'],
  },
  { room: 'shared', holds: /^lib\/[^/]+\.ts$/, imports: ['errors', 'native', 'options', 'shared', 'node'] },
  { room: 'options', holds: /^lib\/options\//, imports: ['errors', 'options'] },
  { room: 'http', holds: /^lib\/http\//, imports: ['errors', 'options', 'http', 'node'] },
  { room: 'keys', holds: /^lib\/keys\//, imports: ['errors', 'native', 'options', 'shared', 'keys', 'node'] },
  { room: 'jwe', holds: /^lib\/jwe\//, imports: ['errors', 'native', 'options', 'shared', 'keys', 'jwe', 'node'] },
  { room: 'revocation', holds: /^lib\/revocation\//, imports: ['errors', 'native', 'options', 'shared', 'revocation', 'node'] },
  {
    room: 'tokens',
    holds: /^lib\/tokens\//,
    imports: ['errors', 'native', 'options', 'shared', 'keys', 'jwe', 'revocation', 'tokens', 'node'],
  },
  {
    room: 'sessions',
    holds: /^lib\/sessions\//,
    imports: ['errors', 'native', 'options', 'shared', 'keys', 'revocation', 'tokens', 'sessions', 'node'],
  },
  {
    room: 'express',
    holds: /^lib\/express\//,
    imports: ['errors', 'options', 'shared', 'keys', 'tokens', 'sessions', 'http', 'express', 'node'],
  },
  { room: 'jsonwebtoken', holds: /^lib\/jsonwebtoken\//, imports: ['native', 'shared', 'jsonwebtoken', 'node'] },
  {
    room: 'express-jwt',
    holds: /^lib\/express-jwt\//,
    imports: ['jsonwebtoken', 'express-jwt', 'node'],
  },
  { room: 'cli', holds: /^lib\/cli\//, imports: ['errors', 'native', 'options', 'shared', 'cli', 'node'] },
  { room: 'client', holds: /^client\//, imports: ['client'] },
  {
    room: 'angular',
    holds: /^angular\//,
    imports: ['client', 'angular', 'npm:@angular/common', 'npm:@angular/core', 'npm:@angular/router'],
  },
  { room: 'types', holds: /^index\.d\.ts$/, imports: ['./dist/'] },
  { room: 'tests', holds: /^__test__\//, imports: ['tests', './dist/', 'npm:keyturn', 'node', 'npm:*'] },
  { room: 'examples', holds: /^examples\//, imports: ['examples', 'npm:keyturn', 'node', 'npm:*'] },
  { room: 'benches', holds: /^benches\//, imports: ['benches', 'npm:keyturn', 'node', 'npm:*'] },
  { room: 'scripts', holds: /^scripts\//, imports: ['scripts', 'node', 'npm:*'] },
  { room: 'configuration', holds: /^[^/]+\.(m?js|ts)$/, imports: ['node', 'npm:*'] },
];

/** Below these, every source file needs a room; files that lie directly in the root have one too. */
const ROOM_FOLDERS = ['lib', 'client', 'angular', '__test__', 'examples', 'benches', 'scripts'];

/**
 * What a crate must not depend on, however far away (`anywhere`), or only by name in its own manifest (`directly`).
 *
 * @type {readonly { readonly crate: string, readonly anywhere?: RegExp, readonly directly?: RegExp, readonly because: string }[]}
 */
const CRATES = [
  {
    crate: 'keyturn-core',
    anywhere: /^(napi|napi-.*|rusqlite|redis|tokio|keyturn|keyturn-stores)$/,
    because: 'core decides: no binding, no store, no runtime',
  },
  { crate: 'keyturn-stores', anywhere: /^(napi|napi-.*|keyturn)$/, because: 'stores know core and nothing above it' },
  { crate: 'keyturn', directly: /^(rusqlite|redis|tokio)$/, because: 'the binding reaches a store through keyturn-stores' },
];

/**
 * What Rust sources must not name. `unless` exempts a file, `tests` says whether inline test modules are exempt.
 *
 * @typedef {object} RustRule
 * @property {RegExp} holds
 * @property {RegExp} [unless]
 * @property {RegExp} [path] Matches a path such as `std::fs::read`, also out of a grouped `use`.
 * @property {RegExp} [word] Matches anywhere in the code.
 * @property {'exempt' | 'bound'} tests
 * @property {string} because
 */

/** @type {readonly RustRule[]} */
const RUST = [
  {
    holds: /^crates\/core\/src\//,
    path: /^std::(env|fs|net|process)\b/,
    tests: 'exempt',
    because: 'core does no I/O (IP addresses are in core::net)',
  },
  {
    holds: /^crates\/core\/src\//,
    word: /\b(Instant|SystemTime)\b/g,
    tests: 'exempt',
    because: 'core has no clock: time is an argument',
  },
  {
    holds: /^src\//,
    word: /\b(rusqlite|redis)\b/g,
    tests: 'bound',
    because: 'the binding reaches a store through keyturn-stores',
  },
  {
    holds: /^(src|crates|benches)\//,
    unless: /^src\/hot\.rs$/,
    word: /\bunsafe\b/g,
    tests: 'bound',
    because: 'unsafe code lives in src/hot.rs alone',
  },
];

/** Crate roots that must forbid unsafe code, so that the compiler holds the rule as well. */
const SAFE_CRATES = ['crates/core/src/lib.rs', 'crates/stores/src/lib.rs'];

const { values } = parseArgs({ options: { root: { type: 'string', default: ROOT } } });
const root = values.root;
main();

function main() {
  const violations = [...wrongImports(), ...wrongDependencies(), ...wrongRust(), ...missingForbids()];
  for (const violation of violations) console.error(violation);
  console.log(`layers: ${String(violations.length)} wrong`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}

/** @returns {Generator<string, void>} */
function* wrongImports() {
  for (const path of filesBelow(root).filter(needsRoom)) {
    const room = ROOMS.find(({ holds }) => holds.test(path));
    if (room === undefined) {
      yield `${path}: belongs to no room; give its folder a row in ROOMS of scripts/check-layers.mjs`;
      continue;
    }
    for (const { target, line } of importsOf(path, read(path))) {
      if (room.imports.some((allowed) => isIn(target, allowed))) continue;
      const allowed = room.imports.join(', ') || 'nothing';
      yield `${path}:${String(line)}: '${room.room}' must not import '${target}'; it may import ${allowed}`;
    }
  }
}

/** @param {string} path */
function needsRoom(path) {
  const [folder = '', ...rest] = path.split('/');
  return /\.(ts|mts|cts|js|mjs|cjs)$/.test(path) && (rest.length === 0 || ROOM_FOLDERS.includes(folder));
}

/**
 * @param {string} target
 * @param {string} allowed
 */
function isIn(target, allowed) {
  if (target.startsWith('node:')) return allowed === 'node';
  if (allowed.startsWith('./')) return target.startsWith(allowed);
  if (target.startsWith('./')) return ROOMS.find(({ holds }) => holds.test(target.slice(2)))?.room === allowed;
  return allowed === `npm:${target}` || (allowed === 'npm:*' && target !== 'keyturn');
}

/** @returns {Generator<string, void>} */
function* wrongDependencies() {
  if (!existsSync(join(root, 'Cargo.toml'))) return;
  for (const { crate, anywhere, directly, because } of CRATES) {
    const depth = anywhere === undefined ? ['--depth', '1'] : [];
    const args = ['tree', '--package', crate, '--edges', 'normal,build', '--prefix', 'none', '--format', '{p}', ...depth];
    const { status, stdout, stderr } = spawnSync('cargo', args, { cwd: root, encoding: 'utf8' });
    if (status !== 0) {
      yield `cargo tree failed for ${crate}: ${stderr}`;
      continue;
    }
    const names = new Set(stdout.split('\n').slice(1).map((line) => line.split(' ')[0] ?? ''));
    for (const name of names) {
      if ((anywhere ?? directly)?.test(name) === true) yield `Cargo.toml: ${crate} must not depend on ${name}: ${because}`;
    }
  }
}

/** @returns {Generator<string, void>} */
function* wrongRust() {
  const files = ['src', 'crates', 'benches'].flatMap((folder) => filesBelow(root, folder));
  for (const path of files.filter((name) => name.endsWith('.rs'))) {
    const rules = RUST.filter(({ holds, unless }) => holds.test(path) && unless?.test(path) !== true);
    const code = codeOf(read(path));
    const shipped = withoutTests(code);
    for (const { path: paths, word, tests, because } of rules) {
      const bound = tests === 'exempt' ? shipped : code;
      const named = paths === undefined ? [] : pathsIn(bound).filter((use) => paths.test(use.path));
      for (const use of named) yield `${path}:${String(use.line)}: ${use.path}: ${because}`;
      const words = word === undefined ? [] : bound.matchAll(word);
      for (const hit of words) yield `${path}:${String(lineAt(bound, hit.index))}: ${hit[0]}: ${because}`;
    }
  }
}

/** @returns {Generator<string, void>} */
function* missingForbids() {
  for (const path of SAFE_CRATES) {
    if (!existsSync(join(root, path)) || /#!\[forbid\([^)]*\bunsafe_code\b/.test(codeOf(read(path)))) continue;
    yield `${path}: must say #![forbid(unsafe_code)]`;
  }
}

/** @param {string} path */
function read(path) {
  return readFileSync(join(root, path), 'utf8');
}
