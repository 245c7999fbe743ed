/**
 * Why this exists: `npm test` is everything that has to hold, in one command and in an order in which the cheapest check
 * that can fail comes first. A stage that fails does not hide what the later ones would say; a stage is left out only if
 * one that it builds on has failed.
 *
 *     node scripts/test.mjs [--static] [--long] [STAGE...]
 *
 * `--static` runs what needs no running code. `--long` also runs the tests that take minutes. A STAGE is a name below.
 *
 * cargo gets the profile and target of the addon's build in every stage: the C libraries are half of a first build, and
 * so they are compiled once. (Tests without link-time optimisation would link faster, but any change of the profile
 * compiles the C libraries again: measured, 2 minutes against 10 seconds a test binary.)
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';

import { buildAddon } from './build/addon.mjs';
import { requireCargoSubcommand, requireNode, requireRust, ToolchainError } from './build/toolchain.mjs';
import { buildTypeScript } from './build/typescript.mjs';
import { run } from './run.mjs';
import { atRoot, filesBelow } from './source/files.mjs';

/**
 * @typedef {object} Stage
 * @property {string} name
 * @property {boolean} [static] Runs no code of ours.
 * @property {readonly string[]} [needs] Stages without which it makes no sense.
 * @property {() => Promise<boolean>} run
 */

/** @type {readonly Stage[]} */
const STAGES = [
  { name: 'format', static: true, run: format },
  { name: 'layers', static: true, run: () => script('check-layers.mjs') },
  { name: 'hygiene', static: true, run: () => script('check-hygiene.mjs') },
  { name: 'types', static: true, run: () => buildTypeScript() },
  { name: 'eslint', static: true, needs: ['types'], run: () => node(atRoot('node_modules/eslint/bin/eslint.js'), '.') },
  { name: 'clippy', static: true, run: () => cargo('clippy', ...PROFILE, '--all-targets', '--', '--deny', 'warnings') },
  { name: 'addon', run: () => buildAddon({ check: true }) },
  { name: 'rust', run: () => cargo('test', ...PROFILE) },
  { name: 'node', needs: ['types', 'addon'], run: nodeTests },
  { name: 'loom', run: () => script('loom.mjs') },
  { name: 'fuzz', run: () => script('fuzz.mjs', '--seconds', values.long ? '600' : '10') },
];

const { values, positionals } = parseArgs({
  options: { long: { type: 'boolean', default: false }, static: { type: 'boolean', default: false } },
  allowPositionals: true,
});

/** Tests write here what they skip and why, a line each: `name: what to do about it`. */
const SKIP_LOG = atRoot('test-build/skipped.log');

const VECTORS = resolve(process.env['KEYTURN_VECTORS'] ?? atRoot('../shared/vectors'));

/** What the tests of both languages read. Rust tests run in their crate's folder, so a path has to be absolute. */
const TEST_ENVIRONMENT = {
  KEYTURN_SKIP_LOG: SKIP_LOG,
  ...(existsSync(VECTORS) ? { KEYTURN_VECTORS: VECTORS } : {}),
  ...(values.long ? { KEYTURN_LONG: '1' } : {}),
};

/** @type {readonly string[]} */
const PROFILE = ['--workspace', '--release', '--locked', '--target', prepare()];

await main();

async function main() {
  process.exitCode = (await runStages(chosenStages())) ? 0 : 1;
}

/**
 * Refuses early, with the fix, what would otherwise fail late.
 *
 * @returns {string} The target of cargo's stages.
 */
function prepare() {
  try {
    requireNode();
    const { host } = requireRust();
    requireCargoSubcommand('fmt');
    requireCargoSubcommand('clippy');
    return host;
  } catch (error) {
    if (!(error instanceof ToolchainError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}

/** @returns {readonly Stage[]} */
function chosenStages() {
  const unknown = positionals.find((name) => !STAGES.some((stage) => stage.name === name));
  if (unknown !== undefined) {
    console.error(`There is no stage '${unknown}'; there are ${STAGES.map(({ name }) => name).join(', ')}.`);
    process.exit(1);
  }
  const named = STAGES.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  return values.static ? named.filter((stage) => stage.static === true) : named;
}

/**
 * @param {readonly Stage[]} stages
 * @returns {Promise<boolean>} Whether all of them passed.
 */
async function runStages(stages) {
  mkdirSync(atRoot('test-build'), { recursive: true });
  rmSync(SKIP_LOG, { force: true });
  /** @type {Map<string, 'passed' | 'FAILED' | 'not run'>} */
  const results = new Map();
  /** @type {string[]} */
  const report = [];
  for (const stage of stages) {
    const missing = stage.needs?.find((name) => (results.get(name) ?? 'passed') !== 'passed');
    if (missing !== undefined) {
      results.set(stage.name, 'not run');
      report.push(`${stage.name.padEnd(9)}not run, because ${missing} did not pass`);
      continue;
    }
    console.log(`\n=== ${stage.name} ===`);
    const started = performance.now();
    const result = (await stage.run()) ? 'passed' : 'FAILED';
    results.set(stage.name, result);
    report.push(`${stage.name.padEnd(9)}${result}${((performance.now() - started) / 1000).toFixed(1).padStart(8)} s`);
  }
  console.log(`\n=== summary ===\n${report.join('\n')}`);
  reportSkips();
  return [...results.values()].every((result) => result === 'passed');
}

function reportSkips() {
  const lines = existsSync(SKIP_LOG) ? readFileSync(SKIP_LOG, 'utf8').trimEnd().split('\n') : [];
  for (const line of [...new Set(lines)].sort()) console.log(`skipped: tests that need ${line}`);
}

/** The fuzz targets and what loom checks are workspaces of their own. */
async function format() {
  for (const workspace of ['fuzz', 'loom']) {
    if (!(await cargo('fmt', '--check', '--manifest-path', atRoot(`${workspace}/Cargo.toml`)))) return false;
  }
  return cargo('fmt', '--all', '--check');
}

/** @returns {Promise<boolean>} */
async function nodeTests() {
  const files = filesBelow(atRoot('test-build')).filter((path) => path.endsWith('.test.js'));
  if (files.length === 0) {
    console.error('No test was found in test-build.');
    return false;
  }
  const timeout = values.long ? 3_600_000 : 180_000;
  const reporter = process.stdout.isTTY ? 'spec' : 'tap';
  return node(
    '--enable-source-maps',
    '--test',
    `--test-timeout=${String(timeout)}`,
    // Left to itself the runner keeps one core free, which of two is half.
    `--test-concurrency=${String(availableParallelism())}`,
    `--test-reporter=${reporter}`,
    ...files.map((path) => atRoot(`test-build/${path}`)),
  );
}

/** @param {readonly string[]} args */
async function cargo(...args) {
  return (await run('cargo', args, { env: TEST_ENVIRONMENT })) === 0;
}

/** @param {readonly string[]} args */
async function node(...args) {
  return (await run(process.execPath, args, { env: TEST_ENVIRONMENT })) === 0;
}

/**
 * @param {string} name
 * @param {readonly string[]} args
 */
function script(name, ...args) {
  return node(atRoot(`scripts/${name}`), ...args);
}
