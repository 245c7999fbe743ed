/**
 * Why this exists: what parses bytes of strangers must survive every byte string, and agree with a second reader about all
 * of them. libFuzzer looks for the ones that nobody thought of: it keeps the inputs that reach new code and changes them
 * further. A target (fuzz/targets) is a program that panics when the core and its oracle disagree.
 *
 *     npm run fuzz -- [--seconds N] [TARGET...]
 *
 * Every target, or those named, runs for 60 seconds, or for N; as many at a time as there are processors. What was learnt
 * stays in fuzz/corpus for the next run, up to MAX_CORPUS inputs a target. Seeds are made anew each time, and taken from
 * the public test vectors in $KEYTURN_VECTORS as well. A finding ends the run with 1 and its input lies in fuzz/findings.
 *
 * The programs are built as cargo-fuzz builds them (edge counters in all Rust code, AddressSanitizer), for which a stable
 * compiler must be told to take unstable flags. The C libraries are built without either and hardly optimised, since they
 * are not what is under test: a first build takes about five minutes of processor time, nearly half of it for them and for
 * libFuzzer itself, which wants a C++ compiler. Where the toolchain brings no AddressSanitizer it is left out: the core has
 * no unsafe code, and what it would find is in the libraries below.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';

import { requireNode, requireRust, ToolchainError } from './build/toolchain.mjs';
import { writeSeeds } from './fuzz/seeds.mjs';
import { run, untilStopped } from './run.mjs';
import { atRoot } from './source/files.mjs';

/** Room enough for every edge of these parsers; the smallest inputs are kept. */
const MAX_CORPUS = 2000;

/** Longer inputs reach no further code and make every execution slower. */
const MAX_INPUT_BYTES = 4096;

/** The instrumentation, as cargo-fuzz passes it. */
const COVERAGE = [
  '-Cpasses=sancov-module',
  '-Cllvm-args=-sanitizer-coverage-level=4',
  '-Cllvm-args=-sanitizer-coverage-inline-8bit-counters',
  '-Cllvm-args=-sanitizer-coverage-pc-table',
  '-Cllvm-args=-sanitizer-coverage-trace-compares',
  '-Cllvm-args=-simplifycfg-branch-fold-threshold=0',
];

const TARGETS = readdirSync(atRoot('fuzz/targets')).map((file) => basename(file, '.rs'));

const BUILD = join(process.env['CARGO_TARGET_DIR'] ?? atRoot('target'), 'fuzz');

const { values, positionals } = parseArgs({
  options: { seconds: { type: 'string', default: '60' } },
  allowPositionals: true,
});

await main();

async function main() {
  const unknown = positionals.find((name) => !TARGETS.includes(name));
  const seconds = Number(values.seconds);
  if (unknown !== undefined) { refuse(`There is no target '${unknown}'; there are ${TARGETS.join(', ')}.`); return; }
  if (!Number.isInteger(seconds) || seconds < 1) { refuse('--seconds takes a whole number from 1 on.'); return; }
  try {
    requireNode();
    const { host } = requireRust();
    if (!(await build(host))) { refuse('The fuzz targets could not be built.'); return; }
    await fuzz(positionals.length === 0 ? TARGETS : positionals, host, seconds);
  } catch (error) {
    if (!(error instanceof ToolchainError)) throw error;
    refuse(error.message);
  }
}

/** @param {string} why */
function refuse(why) {
  console.error(why);
  process.exitCode = 1;
}

/**
 * @param {string} host
 * @returns {Promise<boolean>} Whether it succeeded.
 */
async function build(host) {
  const flags = [...COVERAGE, ...(hasAddressSanitizer(host) ? ['-Zsanitizer=address'] : [])];
  const args = ['build', '--manifest-path', atRoot('fuzz/Cargo.toml'), '--release', '--locked', '--target', host, '--target-dir', BUILD];
  const env = { RUSTC_BOOTSTRAP: '1', CARGO_ENCODED_RUSTFLAGS: flags.join('\x1f') };
  return (await run('cargo', args, { env })) === 0;
}

/** @param {string} host */
function hasAddressSanitizer(host) {
  const { stdout } = spawnSync('rustc', ['--print', 'target-libdir', '--target', host], { encoding: 'utf8' });
  if (readdirSync(stdout.trim()).some((name) => /rt\.asan\./.test(name))) return true;
  console.log('This toolchain has no AddressSanitizer; the targets run without it.');
  return false;
}

/**
 * @param {readonly string[]} targets
 * @param {string} host
 * @param {number} seconds
 */
async function fuzz(targets, host, seconds) {
  const waiting = [...targets];
  const lanes = Array.from({ length: availableParallelism() }, async () => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
      if (!(await runTarget(target, join(BUILD, host, 'release', target), seconds))) process.exitCode = 1;
    }
  });
  await Promise.all(lanes);
}

/**
 * @param {string} target
 * @param {string} program
 * @param {number} seconds
 * @returns {Promise<boolean>} Whether nothing was found.
 */
async function runTarget(target, program, seconds) {
  const corpus = atRoot(`fuzz/corpus/${target}`);
  const findings = atRoot(`fuzz/findings/${target}/`);
  for (const folder of [corpus, findings]) mkdirSync(folder, { recursive: true });
  const seeds = writeSeeds(target, join(BUILD, 'seeds', target));
  const args = [
    `-max_total_time=${String(seconds)}`,
    `-max_len=${String(MAX_INPUT_BYTES)}`,
    `-artifact_prefix=${findings}`,
    `-dict=${seeds.dictionary}`,
    // Ten seconds for four kilobytes is a hang.
    '-timeout=10',
    '-rss_limit_mb=2048',
    // Finding leaks wants to trace the process, which containers forbid; safe Rust frees what it owns.
    '-detect_leaks=0',
    '-print_final_stats=1',
    corpus,
    seeds.folder,
  ];
  const { code, log } = await watch(program, args);
  trim(corpus);
  report(target, seconds, log, code === 0);
  if (code !== 0) console.error(`${reasonIn(log)}\n${target}: repeat it with\n  ${program} ${findingIn(log)}`);
  return code === 0;
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @returns {Promise<{ code: number, log: string }>} The end of what it wrote.
 */
async function watch(program, args) {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ASAN_OPTIONS: 'detect_leaks=0' } });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    log = (log + String(text)).slice(-100_000);
  });
  /** @type {Promise<{ code: number, log: string }>} */
  const ended = new Promise((resolve) => {
    child.once('error', (error) => {
      resolve({ code: 127, log: error.message });
    });
    child.once('close', (code) => {
      resolve({ code: code ?? 1, log });
    });
  });
  return untilStopped(ended, (signal) => {
    child.kill(signal);
  });
}

/**
 * @param {string} target
 * @param {number} seconds
 * @param {string} log
 * @param {boolean} clean
 */
function report(target, seconds, log, clean) {
  const executions = Number(/stat::number_of_executed_units: (\d+)/.exec(log)?.[1] ?? 0);
  const last = [...log.matchAll(/ cov: (\d+) ft: (\d+) corp: (\d+)/g)].at(-1);
  const figures = [
    `${String(executions).padStart(10)} executions in ${String(seconds)} s`,
    `coverage ${last?.[1] ?? '?'} edges, ${last?.[2] ?? '?'} features`,
    `corpus ${last?.[3] ?? '?'}`,
  ];
  console.log(`${target.padEnd(10)}${clean ? 'clean  ' : 'FINDING'}${figures.join('  ')}`);
}

/**
 * What the program said first: the assertion, or the sanitizer's report.
 *
 * @param {string} log
 */
function reasonIn(log) {
  const start = log.search(/^.*panicked at|^=+\d+=+ERROR|^ALARM/m);
  return start === -1 ? log.slice(-2000) : log.slice(start, start + 2000);
}

/** @param {string} log */
function findingIn(log) {
  return /Test unit written to (\S+)/.exec(log)?.[1] ?? '(no input was written)';
}

/**
 * Keeps the smallest inputs: the corpus is a cache, and the next run finds again what it lacks.
 *
 * @param {string} folder
 */
function trim(folder) {
  const inputs = readdirSync(folder).map((name) => join(folder, name));
  const bySize = inputs.map((path) => ({ path, size: statSync(path).size })).sort((a, b) => a.size - b.size);
  for (const { path } of bySize.slice(MAX_CORPUS)) rmSync(path);
}
