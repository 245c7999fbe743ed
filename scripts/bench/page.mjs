/**
 * Why this exists: a record as it is read: first what was to be reached, then where and how it was measured, then everything
 * that was.
 */
import { besideSections } from './beside.mjs';
import { cpuModel, machine, rustVersion } from './machine.mjs';
import { textTable } from './table.mjs';
import { targetTable } from './targets.mjs';

/** @import { Beside } from './beside.mjs' */
/** @import { Comparison, Row } from './comparison.mjs' */

/**
 * @typedef {object} Run
 * @property {Comparison} comparison
 * @property {Beside} beside
 * @property {string} day
 * @property {string} command
 * @property {readonly string[]} load Before and after.
 */

const HEAD = ['', 'us', 'ratio', 'range'];

/** @param {Run} run */
export function page({ comparison: { versions, cases }, beside, day, command, load }) {
  const facts = [
    ['machine', machine()],
    ['load average', `${load[0] ?? ''} before, ${load[1] ?? ''} after (the bench itself keeps one core busy, and all of them for a minute)`],
    ['Node.js', `${versions.node} with OpenSSL ${versions.openssl}`],
    ['Rust', rustVersion()],
    ['packages', Object.entries(versions.packages).map((one) => one.join(' ')).join(', ')],
    ['command', `\`${command}\``],
  ];
  const operations = [...new Set(cases.map(({ operation }) => operation))];
  return [
    `# ${day}, ${cpuModel()}, Node.js ${versions.node}`,
    '',
    '## The targets',
    '',
    ...targetTable(cases, beside),
    '',
    '## Where and how',
    '',
    ...textTable(['', ''], facts),
    '',
    'Everybody does the same on the same tokens in one Node process: 369 bytes as HS256, a new string for every call; claims',
    'out, signature, `exp`, `nbf`, issuer and audience checked. keyturn also asks an index of ten thousand live revocations,',
    'unless it says otherwise; nobody else can, and the drop-in does not. RSA keys have 2048 bits. Results are asserted before',
    'they are timed. `us` is the median of short turns in rotation. The ratio is the time as a multiple of keyturn\'s of the same',
    'round: above 1, keyturn is faster; below 1, it is slower. The range is that of the rounds from the tenth to the ninetieth',
    'percentile. jose answers with promises, which are awaited one by one; node-rs is `@node-rs/jsonwebtoken` without its leeway.',
    '`1 KB` and `4 KB` are the payload\'s JSON. What is refused is timed with the making and the catching of the error. The floor',
    'is one raw call into the addon that checks the HMAC and nothing else, and `JSON.parse` of the text that it returns.',
    ...operations.flatMap((operation) => ['', `## ${operation}`, '', ...textTable(HEAD, rowsOf(operation, cases))]),
    '',
    ...besideSections(beside),
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
