/**
 * Why this exists: figures of a stale build, or of other versions of the peers, look like any other figures. Everything
 * that benches/peers measures is made fresh first, and only what is stale costs time.
 */
import { existsSync, statSync } from 'node:fs';

import { buildAddon } from '../build/addon.mjs';
import { requireNode } from '../build/toolchain.mjs';
import { buildTypeScript } from '../build/typescript.mjs';
import { run } from '../run.mjs';
import { atRoot } from '../source/files.mjs';

const PEERS = atRoot('benches/node');

/**
 * @typedef {object} BenchOptions
 * @property {boolean} [debug] Everything without optimisation, to see that it runs.
 */

/**
 * Builds keyturn in release form and installs the peers at their pinned versions.
 *
 * @param {BenchOptions} [options]
 * @returns {Promise<boolean>} Whether it succeeded; what went wrong has been printed.
 */
export async function prepareBench({ debug = false } = {}) {
  requireNode();
  return (await buildAddon({ debug })) && (await buildTypeScript(['lib'])) && (await installPeers());
}

/**
 * Runs benches/peers.
 *
 * @param {readonly string[]} args For criterion.
 * @param {BenchOptions & { readonly env?: NodeJS.ProcessEnv }} [options] `env` is added to ours.
 * @returns {Promise<number>} Its exit code.
 */
export async function runBench(args, { debug = false, env = {} } = {}) {
  const profile = debug ? ['--profile', 'dev'] : [];
  const bench = ['bench', '--locked', '--manifest-path', atRoot('Cargo.toml'), ...profile, '--bench', 'peers'];
  return run('cargo', [...bench, '--', ...args], { env });
}

async function installPeers() {
  const installed = `${PEERS}/node_modules/.package-lock.json`;
  const fresh = existsSync(installed) && statSync(installed).mtimeMs >= statSync(`${PEERS}/package-lock.json`).mtimeMs;
  return fresh || (await run('npm', ['ci', '--prefix', PEERS, '--no-audit', '--no-fund'])) === 0;
}
