/**
 * Why this exists: safe Rust cannot misuse memory, but the addon also holds a few lines of `unsafe` (src/hot.rs), the
 * binding's generated glue, and C libraries. AddressSanitizer sees every access of theirs that is not to memory of
 * theirs, while the tests of the addon run: out of bounds, after it was freed, freed twice.
 *
 *     npm run asan -- [--rust | --node | TEST...]
 *
 * The Rust tests of core and stores run and the Node tests; or one of the two, or the Node tests whose path contains a TEST.
 * An addon of its own is built for it into target/asan, C libraries included, which takes some ten minutes of processor
 * time at first; native/ stays as it is. Before anything else a mistake in Rust and one in C are planted, each in a tiny
 * addon that is built in the same way, and the run goes on only if both are reported. Linux with glibc only.
 *
 * Each process writes its findings into target/asan/reports, whoever reads its output. One of them ends the run with 1.
 *
 * Leaks are not looked for. What JavaScript still refers to when a process calls process.exit() would be one, and V8's own
 * pages are then as well: a test that ends like this has hundreds of reports. That memory does not grow is what
 * __test__/lifecycle/memory.test.ts tests, without a sanitizer.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';

import { buildSanitized, cargoOptions, flagsFor } from './asan/addon.mjs';
import { provePlants } from './asan/plant.mjs';
import { buildRuntime } from './asan/runtime.mjs';
import { requireNode, requireRust, ToolchainError } from './build/toolchain.mjs';
import { buildTypeScript } from './build/typescript.mjs';
import { run } from './run.mjs';
import { atRoot, filesBelow } from './source/files.mjs';

/** An access is some two times slower, an allocation more; the longest tests take minutes. */
const TIMEOUT_MS = 900_000;

const BUILD = join(process.env['CARGO_TARGET_DIR'] ?? atRoot('target'), 'asan');
const REPORTS = join(BUILD, 'reports');

const { values, positionals } = parseArgs({
  options: { node: { type: 'boolean', default: false }, rust: { type: 'boolean', default: false } },
  allowPositionals: true,
});

try {
  requireNode();
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  if (!(error instanceof ToolchainError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

/** @returns {Promise<boolean>} Whether all passed and nothing was found. */
async function main() {
  const { host } = requireRust();
  const both = values.node === values.rust;
  const runsRust = (both || values.rust) && positionals.length === 0;
  const runsNode = both || values.node || positionals.length > 0;
  rmSync(REPORTS, { recursive: true, force: true });
  mkdirSync(REPORTS, { recursive: true });
  const runtime = buildRuntime(host, BUILD);
  provePlants(host, BUILD, runtime);
  /** @type {string[]} */
  const summary = [];
  let passed = true;
  if (runsRust) passed = (await stage('rust', () => rustTests(host), summary)) && passed;
  if (runsNode) passed = (await stage('node', () => nodeTests(host, runtime), summary)) && passed;
  const findings = printFindings();
  console.log(`\n=== summary ===\n${summary.join('\n')}\nAddressSanitizer: ${String(findings)} processes reported something`);
  return passed && findings === 0;
}

/**
 * @param {string} name
 * @param {() => Promise<boolean>} work
 * @param {string[]} summary
 */
async function stage(name, work, summary) {
  console.log(`\n=== ${name} ===`);
  const started = performance.now();
  const passed = await work();
  summary.push(`${name.padEnd(6)}${passed ? 'passed' : 'FAILED'}${((performance.now() - started) / 1000).toFixed(1).padStart(8)} s`);
  return passed;
}

/**
 * The programs hold the runtime, since rustc links it into what it makes programs of.
 *
 * @param {string} host
 */
async function rustTests(host) {
  const args = ['test', '--package', 'keyturn-core', '--package', 'keyturn-stores', '--lib', '--tests', ...cargoOptions(host, BUILD)];
  return (await run('cargo', args, { env: { ...flagsFor(host), ...options() } })) === 0;
}

/**
 * @param {string} host
 * @param {string} runtime
 */
async function nodeTests(host, runtime) {
  const addon = await buildSanitized(host, BUILD);
  if (addon === undefined || !(await buildTypeScript())) return false;
  const all = filesBelow(atRoot('test-build')).filter((path) => path.endsWith('.test.js'));
  const files = all.filter((path) => positionals.length === 0 || positionals.some((name) => path.includes(name)));
  if (files.length === 0) {
    console.error('No test in test-build has such a path.');
    return false;
  }
  const lanes = `--test-concurrency=${String(availableParallelism())}`;
  const args = ['--enable-source-maps', '--test', lanes, `--test-timeout=${String(TIMEOUT_MS)}`, '--test-reporter=spec'];
  const env = { ...options(), LD_PRELOAD: runtime, NAPI_RS_NATIVE_LIBRARY_PATH: addon };
  return (await run(process.execPath, [...args, ...files.map((path) => atRoot(`test-build/${path}`))], { env })) === 0;
}

/**
 * Tests start processes whose output nobody reads, so each writes what it found into a file. Whether a global has two
 * definitions is not asked: gcc makes one of two equal constants of SQLite, and says so to the runtime twice.
 */
function options() {
  return { ASAN_OPTIONS: `detect_leaks=0:detect_odr_violation=0:log_path=${join(REPORTS, 'report')}` };
}

/** @returns {number} How many processes found something. */
function printFindings() {
  const reports = readdirSync(REPORTS).map((name) => join(REPORTS, name));
  for (const report of reports) console.error(`\n${report}\n${readFileSync(report, 'utf8').slice(0, 10_000)}`);
  return reports.length;
}
