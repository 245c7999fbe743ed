/**
 * Why this exists: the binding generator writes index.js and index.d.ts wherever its flags say, so one build with other
 * flags replaces them. This is the only place that calls it, for release and debug alike. It builds into cargo's folder
 * and then moves what changed into native/: a running process keeps the file that it has mapped, and a check can compare
 * before anything is replaced.
 */
import { chmodSync, copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { untilStopped } from '../run.mjs';
import { atRoot, ROOT } from '../source/files.mjs';
import { addonFingerprint, fileHash } from './fingerprint.mjs';
import { requireRust } from './toolchain.mjs';

const OUTPUT = atRoot('native');

/** Committed, so that TypeScript compiles without Rust and a change of the binding shows in review. */
const GENERATED = ['index.d.ts', 'index.js'];

/** Says what native/ was built from; absent or different means stale. */
const RECORD = join(OUTPUT, '.build.json');

/**
 * @typedef {object} AddonOptions
 * @property {boolean} [debug] Without optimisation; the next release build replaces it.
 * @property {boolean} [check] Fail instead of changing the generated index.js and index.d.ts.
 */

/**
 * Builds the addon into native/ unless what is there was built from the same sources in the same way.
 *
 * @param {AddonOptions} options
 * @returns {Promise<boolean>} Whether it succeeded; what went wrong has been printed.
 */
export async function buildAddon({ debug = false, check = false }) {
  const fingerprint = `${debug ? 'debug' : 'release'} ${addonFingerprint()}`;
  if (isFresh(fingerprint)) return true;
  const { host } = requireRust();
  const built = await compile(debug, host);
  if (built === undefined) return false;
  if (check && !matchesCommitted(built)) return false;
  install(built);
  writeRecord(fingerprint, built);
  return true;
}

/** @param {string} fingerprint */
function isFresh(fingerprint) {
  const lines = fileHash(RECORD) === undefined ? [] : readFileSync(RECORD, 'utf8').trimEnd().split('\n');
  return lines[0] === fingerprint && lines.slice(1).every((line) => line === outputLine(line.split(' ')[0] ?? ''));
}

/**
 * @param {string} fingerprint
 * @param {readonly string[]} built
 */
function writeRecord(fingerprint, built) {
  const outputs = built.map((path) => outputLine(basename(path)));
  writeFileSync(RECORD, `${[fingerprint, ...outputs].join('\n')}\n`);
}

/** @param {string} name */
function outputLine(name) {
  return `${name} ${fileHash(join(OUTPUT, name)) ?? 'absent'}`;
}

/**
 * Runs cargo, whose progress goes straight to our terminal or log.
 *
 * @param {boolean} debug
 * @param {string} host
 * @returns {Promise<string[] | undefined>} The files that were made.
 */
async function compile(debug, host) {
  console.log(`Building the addon (${debug ? 'debug' : 'release'}). The first time takes some minutes.`);
  const { NapiCli } = await import('@napi-rs/cli');
  const folder = process.env['CARGO_TARGET_DIR'] ?? 'target';
  try {
    const { task, abort } = await new NapiCli().build({
      cwd: ROOT,
      release: !debug,
      platform: true,
      target: host,
      targetDir: folder,
      outputDir: join(folder, 'binding', debug ? 'debug' : 'release'),
      jsBinding: 'index.js',
      dts: 'index.d.ts',
    });
    const outputs = await untilStopped(task, abort);
    return outputs.map((output) => output.path);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return undefined;
  }
}

/**
 * Compares what was generated with what is in native/ and prints where they part.
 *
 * @param {readonly string[]} built
 */
function matchesCommitted(built) {
  const different = built.filter((path) => {
    const name = basename(path);
    return GENERATED.includes(name) && fileHash(path) !== fileHash(join(OUTPUT, name));
  });
  for (const path of different) {
    console.error(`native/${basename(path)} is not what the binding generates; ${firstDifference(path)}`);
  }
  if (different.length > 0) console.error('Run `npm run build` and commit native/index.js and native/index.d.ts.');
  return different.length === 0;
}

/** @param {string} path */
function firstDifference(path) {
  const committed = join(OUTPUT, basename(path));
  if (fileHash(committed) === undefined) return 'it does not exist';
  const before = readFileSync(committed, 'utf8').split('\n');
  const after = readFileSync(path, 'utf8').split('\n');
  const line = after.findIndex((text, index) => text !== before[index]);
  const at = line === -1 ? after.length : line;
  return `line ${String(at + 1)} is\n  ${before[at] ?? '(nothing)'}\nand should be\n  ${after[at] ?? '(nothing)'}`;
}

/**
 * Each file is replaced in one step and only if it differs, so that tsc does not take an equal index.d.ts for a new one.
 *
 * @param {readonly string[]} built
 */
function install(built) {
  mkdirSync(OUTPUT, { recursive: true });
  for (const path of built) {
    const destination = join(OUTPUT, basename(path));
    if (fileHash(path) === fileHash(destination)) continue;
    const temporary = `${destination}.new`;
    copyFileSync(path, temporary);
    chmodSync(temporary, 0o644);
    renameSync(temporary, destination);
  }
}
