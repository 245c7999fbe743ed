/**
 * Why this exists: a figure in the README has to be found again with everything that it depends on. One run of all that is
 * measured beside other packages is written down whole, rows that we lose included, as two files of benches/record: the CSV
 * holds every round of the comparison, the Markdown says what was reached, and where and how it was measured.
 *
 *     node scripts/bench-record.mjs [--trial]
 *
 * A record is as good as the machine was quiet; its load is written down too. It takes about ten minutes. `--trial`
 * goes through all of it in a minute or two with a debug build and next to nothing to do, and writes into target/ instead:
 * its figures mean nothing.
 */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';

import { measureBeside } from './bench/beside.mjs';
import { readComparison } from './bench/comparison.mjs';
import { currentLoad, recordName, today } from './bench/machine.mjs';
import { page } from './bench/page.mjs';
import { prepareBench, runBench } from './bench/prepare.mjs';
import { runRecording } from './bench/recording.mjs';
import { targetTable } from './bench/targets.mjs';
import { atRoot } from './source/files.mjs';

const COMMAND = 'node scripts/bench-record.mjs';

/** The bench's usual number. Named, it leaves out criterion's own sampling, of which a record shows nothing. */
const ROUNDS = '101';

/** Where the bench leaves its figures, with the endings .csv and .json. */
const RAW = atRoot('target/bench-record');

await runRecording(record);

/**
 * @param {boolean} trial
 * @returns {Promise<boolean>}
 */
async function record(trial) {
  if (!(await prepareBench({ debug: trial }))) return false;
  const load = [currentLoad()];
  const beside = await measureBeside(trial);
  mkdirSync(atRoot('target'), { recursive: true });
  const environment = { KEYTURN_BENCH_RECORD: RAW, KEYTURN_BENCH_ROUNDS: trial ? '3' : ROUNDS };
  if ((await runBench([], { debug: trial, env: environment })) !== 0) return false;
  load.push(currentLoad());
  const comparison = readComparison(`${RAW}.json`);
  const path = trial ? 'target/bench-trial' : `benches/record/${recordName()}`;
  mkdirSync(atRoot('benches/record'), { recursive: true });
  copyFileSync(`${RAW}.csv`, atRoot(`${path}.csv`));
  const command = trial ? `${COMMAND} --trial` : COMMAND;
  writeFileSync(atRoot(`${path}.md`), page({ comparison, beside, day: today(), command, load }));
  console.log(['', ...targetTable(comparison.cases, beside), '', `written: ${path}.md and ${path}.csv`].join('\n'));
  return true;
}
