/**
 * Why this exists: a figure in the README has to be found again with everything that it depends on. One run of the
 * comparison is written down whole, rows that we lose included, as two files of benches/record: the CSV holds every
 * round, the Markdown says where and how they were measured.
 *
 *     node scripts/bench-record.mjs
 *
 * A record is as good as the machine was quiet; its load is written down too.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type } from 'node:os';

import { prepareBench, runBench } from './bench/prepare.mjs';
import { ToolchainError } from './build/toolchain.mjs';
import { atRoot } from './source/files.mjs';

const COMMAND = 'node scripts/bench-record.mjs';

/** Where the bench leaves its figures, with the endings .csv and .json. */
const RAW = atRoot('target/bench-record');

const HEAD = ['', 'us', 'ratio', 'range'];

/**
 * What the bench writes; see benches/peers/table.rs.
 *
 * @typedef {object} Comparison
 * @property {{ node: string, openssl: string, packages: Record<string, string> }} versions
 * @property {readonly Row[]} cases
 *
 * @typedef {object} Row
 * @property {string} operation
 * @property {string} name
 * @property {number} median_ns
 * @property {{ median: number, p10: number, p90: number } | null} ratio
 */

try {
  process.exitCode = (await record()) ? 0 : 1;
} catch (error) {
  if (!(error instanceof ToolchainError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

/** @returns {Promise<boolean>} */
async function record() {
  if (!(await prepareBench())) return false;
  const load = [currentLoad()];
  mkdirSync(atRoot('target'), { recursive: true });
  if ((await runBench([], { KEYTURN_BENCH_RECORD: RAW })) !== 0) return false;
  load.push(currentLoad());
  /** @type {unknown} */
  const written = JSON.parse(readFileSync(`${RAW}.json`, 'utf8'));
  const comparison = /** @type {Comparison} */ (written);
  const path = `benches/record/${recordName(comparison)}`;
  mkdirSync(atRoot('benches/record'), { recursive: true });
  copyFileSync(`${RAW}.csv`, atRoot(`${path}.csv`));
  writeFileSync(atRoot(`${path}.md`), page(comparison, load));
  console.log(`\nwritten: ${path}.md and ${path}.csv`);
  return true;
}

/**
 * The day, the processor and Node's version; a second record of the same day replaces the first.
 *
 * @param {Comparison} comparison
 */
function recordName({ versions }) {
  const processor = cpuModel().toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');
  return `${today()}-${processor}-node${versions.node}`;
}

/**
 * @param {Comparison} comparison
 * @param {readonly string[]} load
 */
function page({ versions, cases }, load) {
  const facts = [
    ['machine', `${cpuModel()}, ${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${type()} ${release().split('-', 1)[0]}`],
    ['load average', `${load[0] ?? ''} before, ${load[1] ?? ''} after (the bench itself keeps one core busy)`],
    ['Node.js', `${versions.node} with OpenSSL ${versions.openssl}`],
    ['Rust', execFileSync('rustc', ['--version'], { encoding: 'utf8' }).trim()],
    ['packages', Object.entries(versions.packages).map((one) => one.join(' ')).join(', ')],
    ['command', `\`${COMMAND}\``],
  ];
  const operations = [...new Set(cases.map(({ operation }) => operation))];
  return [
    `# ${today()}, ${cpuModel()}, Node.js ${versions.node}`,
    '',
    ...table(['', ''], facts),
    '',
    'Everybody does the same on the same tokens in one Node process: 369 bytes as HS256, a new string for every call; claims',
    'out, signature, expiry, issuer and audience checked. Results are asserted before they are timed. `us` is the median of',
    'short turns in rotation. The ratio is the time as a multiple of keyturn\'s of the same round: above 1, keyturn is',
    'faster; below 1, it is slower. The range is that of the rounds from the tenth to the ninetieth percentile.',
    'jose answers with promises, which are awaited one by one. The last row of HS256 is what nobody can do without.',
    ...operations.flatMap((operation) => ['', `## ${operation}`, '', ...table(HEAD, rowsOf(operation, cases))]),
    '',
  ].join('\n');
}

/**
 * @param {string} operation
 * @param {readonly Row[]} cases
 */
function rowsOf(operation, cases) {
  return cases
    .filter((row) => row.operation === operation)
    .map(({ name, median_ns: median, ratio }) => [
      name,
      (median / 1000).toFixed(2),
      ratio?.median.toFixed(2) ?? '',
      ratio === null ? '' : `${ratio.p10.toFixed(2)} to ${ratio.p90.toFixed(2)}`,
    ]);
}

/**
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 * @returns {string[]}
 */
function table(head, rows) {
  /** @param {readonly string[]} cells */
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

function cpuModel() {
  return cpus()[0]?.model.trim() ?? 'unknown processor';
}

function currentLoad() {
  return loadavg()[0]?.toFixed(2) ?? '';
}

function today() {
  return new Date().toISOString().slice(0, 10);
}
