import type { NativeExamination } from '../../native.js';
import { bytes, counted } from '../printable.js';
import { type Finding, ok, problem, warning } from './finding.js';

/** How many findings of damage are printed; `--json` has them all. */
const MOST_DAMAGE = 5;

/** How many parts that are missing are named. */
const MOST_MISSING = 8;

/** What is to be done about anything that is broken. */
export const RESTORE =
  'stop keyturn, keep a copy of the file with its -wal and -shm, restore a backup, and revoke everything, as the deployment guide says under Backups';

/** What is to be said of a file that is a database: of the tables, not of what they hold. */
export function judgeFile(examination: NativeExamination, version: string): readonly Finding[] {
  return [database(examination), tables(examination, version), ...integrity(examination)];
}

function database({ pages, pageBytes, freePages, writeAhead }: NativeExamination): Finding {
  const free = pages === 0 ? 0 : Math.round((100 * freePages) / pages);
  const text = `SQLite, ${bytes(pages * pageBytes)} in ${counted(pages, 'page')}, ${String(free)} % of them free to be used again`;
  if (writeAhead || pages === 0) return ok('database', text);
  return warning('database', `${text}; not in the mode of a write-ahead log`, 'nothing: keyturn sets it when it opens the file');
}

function tables({ version, knownVersion, pages, missing }: NativeExamination, own: string): Finding {
  const check = 'version';
  if (pages === 0) {
    return problem(check, 'the file is empty', 'right if keyturn has never run with it, and it makes its tables then; else restore a backup');
  }
  if (version === undefined) return problem(check, "the file holds none of keyturn's tables", 'see whether this is the file in the store URL');
  const known = String(knownVersion);
  if (version > knownVersion) {
    const text = `the tables have version ${String(version)}, and keyturn ${own} knows up to ${known}`;
    return problem(check, text, 'use the newer keyturn that wrote it; what the tables hold was not looked at');
  }
  if (version < knownVersion) {
    const text = `the tables have version ${String(version)}, and keyturn ${own} writes ${known}; what they hold was not looked at`;
    return warning(check, text, 'back it up: the next start of keyturn takes it over, and older ones refuse it from then on');
  }
  if (missing.length === 0) return ok(check, `the tables have version ${known}, as keyturn ${own} writes it`);
  const more = missing.length > MOST_MISSING ? ', ...' : '';
  return problem(check, `the tables lack ${missing.slice(0, MOST_MISSING).join(', ')}${more}`, RESTORE);
}

function* integrity({ damage }: NativeExamination): Generator<Finding, void> {
  if (damage.length === 0) {
    yield ok('integrity', 'SQLite found no damage');
    return;
  }
  for (const line of damage.slice(0, MOST_DAMAGE)) yield problem('integrity', line, RESTORE);
  const more = damage.length - MOST_DAMAGE;
  if (more > 0) yield problem('integrity', `${String(more)} more, which --json lists`, RESTORE);
}
