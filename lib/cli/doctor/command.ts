import { parseArgs } from 'node:util';

import { KeyturnError } from '../../errors.js';
import { type ExaminationAnswer, native } from '../../native.js';
import { fromFailure, translated } from '../../native-error.js';
import { type Command, type ExitCode, type Terminal, UsageError } from '../terminal.js';
import { version } from '../version.js';
import { type Finding, problem } from './finding.js';
import { judgeContents } from './judge-contents.js';
import { judgeFile, RESTORE } from './judge-file.js';
import { judgeKeys, MASTER_KEY, type MasterKeyState } from './judge-keys.js';
import { judgeLog, judgePlace } from './judge-place.js';
import { lookAt } from './place.js';
import { asJson, asText, exitCodeOf, type Report } from './report.js';

const HELP = `Usage: keyturn doctor [--json] FILE

Checks the file of a SQLite store (a path, or the store URL sqlite:PATH) and says what to do about what it finds. It reads only:
it changes nothing, makes nothing, and other processes may go on using the file.

  --json    the same for machines, with the numbers behind it
  --help    this text

With ${MASTER_KEY} in the environment it also tries whether that opens the keys. No key, token or password is printed.

Exit codes: 0 fine (there may be warnings), 1 problems, 2 the file could not be examined.
`;

/** `keyturn doctor`. */
export const DOCTOR: Command = { help: HELP, run: async (args, terminal) => doctor(args, terminal) };

function doctor(args: readonly string[], terminal: Terminal): ExitCode {
  const { path, json } = argumentsOf(args);
  const report = examine(path, terminal);
  terminal.out(json ? asJson(report) : asText(report));
  return exitCodeOf(report);
}

function argumentsOf(args: readonly string[]): { readonly path: string; readonly json: boolean } {
  const { values, positionals } = parsed(args);
  const [file, ...more] = positionals;
  if (file === undefined || file === '') throw new UsageError('doctor takes the file to check, as in "keyturn doctor ./data/keyturn.db"');
  if (more.length > 0) throw new UsageError('doctor checks one file at a time');
  return { path: pathOf(file), json: values.json };
}

function parsed(args: readonly string[]): { readonly values: { readonly json: boolean }; readonly positionals: readonly string[] } {
  try {
    return parseArgs({ args: [...args], options: { json: { type: 'boolean', default: false } }, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** A store URL is taken for what it says; of what may hold a password nothing is repeated. */
function pathOf(file: string): string {
  if (file.startsWith('sqlite:')) return translated(() => native.pathOfStore(file)) ?? '';
  const scheme = /^([a-z][a-z+]*):\/\//i.exec(file)?.[1];
  if (scheme !== undefined) {
    throw new UsageError(`doctor checks the files of SQLite stores, and '${scheme}://' names none; of a Redis, its own tools say how it is (INFO)`);
  }
  if (file === 'memory:') throw new UsageError("doctor checks the files of SQLite stores, and 'memory:' has none");
  return file;
}

function examine(path: string, { environment }: Terminal): Report {
  const now = Date.now();
  const own = version();
  const place = lookAt(path);
  const report = { version: own, file: place.file.path, now, place };
  const { answer, master } = examined(place.file.path, now, environment[MASTER_KEY]);
  const { failure, isLogAlone, examination } = answer;
  const here = [...judgePlace(place), judgeLog(place, isLogAlone)];
  // What the finding about the log says is all that there is to say.
  if (isLogAlone) return { ...report, isExamined: false, findings: here };
  if (examination === undefined) {
    const { isExamined, finding } = refusal(failure);
    return { ...report, isExamined, findings: [...here, finding] };
  }
  const findings = [...here, ...judgeFile(examination, own)];
  const { contents, contentsFailure } = examination;
  if (contents !== undefined) findings.push(...judgeContents(contents, now), ...judgeKeys(contents, master));
  if (contentsFailure !== undefined) {
    findings.push(problem('content', `what the tables hold cannot be read: ${fromFailure(contentsFailure).message}`, RESTORE));
  }
  return { ...report, isExamined: true, findings, examination };
}

function examined(path: string, now: number, given = ''): { readonly answer: ExaminationAnswer; readonly master: MasterKeyState } {
  if (given === '') return { answer: native.examineStoreFile(path, now), master: 'none' };
  try {
    return { answer: translated(() => native.examineStoreFile(path, now, given)), master: 'given' };
  } catch (error) {
    if (!(error instanceof KeyturnError) || error.code !== 'ERR_OPTION_INVALID') throw error;
    return { answer: native.examineStoreFile(path, now), master: 'malformed' };
  }
}

/** Damage is a finding; a file that cannot be reached has not been examined. */
function refusal(failure: ExaminationAnswer['failure']): { readonly isExamined: boolean; readonly finding: Finding } {
  const error = failure === undefined ? new KeyturnError('ERR_INTERNAL', 'No reason was given.') : fromFailure(failure);
  if (error.code === 'ERR_STORE_CORRUPT') {
    const text = `not a database that SQLite can read: ${error.message}`;
    return { isExamined: true, finding: problem('database', text, `if this is the file in the store URL, ${RESTORE}`) };
  }
  const fix = 'see that this user may read it and that no process holds it locked, and try again';
  return { isExamined: false, finding: problem('database', error.message, fix) };
}
