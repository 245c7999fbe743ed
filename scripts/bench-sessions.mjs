/**
 * Why this exists: what a refresh costs depends on the disk and the server under it, and what a look-up costs on the memory,
 * so each figure stands beside what they give to somebody who does nothing else. One run of all of it is written down whole,
 * rows that are missed included.
 *
 *     node scripts/bench-sessions.mjs [--trial]
 *
 * Writes a page of benches/record. It takes about six minutes on a machine that does nothing else, and needs Debian's
 * redis-server and redis-tools. `--trial` goes through all of it in a minute or two, with short turns and a small index, and
 * writes into target/ instead: its figures mean nothing.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

import { readIndex } from './bench/index-figures.mjs';
import { currentLoad, recordName, today } from './bench/machine.mjs';
import { prepareBench } from './bench/prepare.mjs';
import { runRecording } from './bench/recording.mjs';
import { sessionsPage, sessionsTable } from './bench/sessions-page.mjs';
import { run } from './run.mjs';
import { atRoot } from './source/files.mjs';

/** @import { Refreshes } from './bench/sessions-page.mjs' */

const COMMAND = 'node scripts/bench-sessions.mjs';

/** Where the two benches leave their figures. */
const REFRESHES = atRoot('target/bench-sessions.json');
const INDEX = atRoot('target/bench-revocation.jsonl');

await runRecording(record);

/**
 * @param {boolean} trial
 * @returns {Promise<boolean>}
 */
async function record(trial) {
  if (!(await prepareBench())) return false;
  // What is compiled must not heat the machine for what is measured first.
  if ((await benchIndex(['--no-run'], {})) !== 0) return false;
  const load = [currentLoad()];
  if ((await benchRefreshes(trial)) !== 0) return false;
  rmSync(INDEX, { force: true });
  const environment = { KEYTURN_BENCH_RECORD: INDEX, ...(trial ? { KEYTURN_BENCH_ENTRIES: '1000000' } : {}) };
  if ((await benchIndex([], environment)) !== 0) return false;
  load.push(currentLoad());
  /** @type {unknown} */
  const written = JSON.parse(readFileSync(REFRESHES, 'utf8'));
  const figures = { refreshes: /** @type {Refreshes} */ (written), index: readIndex(INDEX) };
  const path = trial ? 'target/bench-sessions-trial' : `benches/record/${recordName()}-sessions`;
  mkdirSync(atRoot('benches/record'), { recursive: true });
  const command = trial ? `${COMMAND} --trial` : COMMAND;
  writeFileSync(atRoot(`${path}.md`), sessionsPage({ figures, day: today(), command, load }));
  console.log(['', ...sessionsTable(figures), '', `written: ${path}.md`].join('\n'));
  return true;
}

/** @param {boolean} trial */
async function benchRefreshes(trial) {
  const args = [atRoot('benches/node/sessions.mjs'), atRoot('target/bench-sessions'), REFRESHES];
  return run(process.execPath, trial ? [...args, '100'] : args);
}

/**
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
async function benchIndex(args, env) {
  const bench = ['bench', '--locked', '--manifest-path', atRoot('Cargo.toml'), '--bench', 'revocation'];
  return run('cargo', [...bench, ...args], { env });
}
