/**
 * The process in which keyturn and its peers are timed, one after the other in the same Node, driven over its standard
 * streams by benches/peers. It first proves every case; if one is wrong, none is timed. Then it writes one line of JSON,
 * `{ node, openssl, packages, cases }`, and answers each line `iterations id` with the nanoseconds that they took, or with
 * `error` and why.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { time } from './timing.mjs';

/** @import { Case } from './kinds.mjs' */

const HERE = new URL('.', import.meta.url);

const packages = installed();
const cases = await load();
await prove(cases);
console.log(JSON.stringify({ ...versions(), packages, cases: [...cases.keys()] }));
for await (const line of createInterface({ input: process.stdin })) console.log(await answer(line));

/**
 * The versions of the pinned packages, and of keyturn. Ends the process if one of them is missing or another one.
 *
 * @returns {Readonly<Record<string, string>>}
 */
function installed() {
  /** @type {Record<string, string>} */
  const found = { keyturn: String(manifest('../../package.json')['version']) };
  const pinned = /** @type {Record<string, string>} */ (manifest('package.json')['dependencies']);
  for (const [name, version] of Object.entries(pinned)) {
    const path = `node_modules/${name}/package.json`;
    if (!existsSync(new URL(path, HERE)) || manifest(path)['version'] !== version) {
      refuse(`${name} ${version} is not installed in benches/node. Run \`npm ci --prefix benches/node\` first.`);
    }
    found[name] = version;
  }
  return found;
}

/** @returns {Promise<ReadonlyMap<string, Case>>} */
async function load() {
  if (!existsSync(new URL('../../dist/index.js', HERE))) refuse('keyturn is not built. Run `npm run build` first.');
  try {
    const { allCases } = await import('./cases.mjs');
    return new Map((await allCases()).map((one) => [one.id, one]));
  } catch (error) {
    return refuse(`the cases could not be set up; is the build stale? \`npm run build\` renews it.\n${reason(error)}`);
  }
}

/** @param {ReadonlyMap<string, Case>} all */
async function prove(all) {
  for (const { id, prove: proveOne } of all.values()) {
    try {
      await proveOne();
    } catch (error) {
      refuse(`${id} does not do what it should, so nothing is timed.\n${reason(error)}`);
    }
  }
}

/**
 * @param {string} line
 * @returns {Promise<string>}
 */
async function answer(line) {
  const space = line.indexOf(' ');
  const iterations = Number(line.slice(0, space));
  const one = cases.get(line.slice(space + 1));
  if (one === undefined || !Number.isSafeInteger(iterations) || iterations < 1) return 'error no such request';
  try {
    return String(await time(one, iterations));
  } catch (error) {
    return `error ${reason(error).replaceAll('\n', ' ')}`;
  }
}

function versions() {
  return { node: process.versions.node, openssl: process.versions.openssl };
}

/**
 * @param {string} path
 * @returns {Record<string, unknown>}
 */
function manifest(path) {
  /** @type {unknown} */
  const value = JSON.parse(readFileSync(new URL(path, HERE), 'utf8'));
  return /** @type {Record<string, unknown>} */ (value);
}

/** @param {unknown} error */
function reason(error) {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/**
 * @param {string} why
 * @returns {never}
 */
function refuse(why) {
  console.error(why);
  process.exit(1);
}
