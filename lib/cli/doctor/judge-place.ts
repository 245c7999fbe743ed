import { basename } from 'node:path';

import { bytes, quoted } from '../printable.js';
import { type Finding, ok, problem, warning } from './finding.js';
import type { Entry, Place } from './place.js';

/** SQLite brings the log into the file whenever it has reached some four MiB; sixteen times that means that somebody prevents it. */
const LONG_LOG = 64 * 2 ** 20;

/** Without so much nothing can be committed for long; with less than that, it is time to look. */
const NO_SPACE = 16 * 2 ** 20;
const LITTLE_SPACE = 256 * 2 ** 20;

/** What is to be said of where a file lies. */
export function judgePlace(place: Place): readonly Finding[] {
  return [...access(place), ...permissions(place), fileSystem(place), disk(place)];
}

function* access({ file, log, index, folder, user }: Place): Generator<Finding, void> {
  const files = [file, log, index].filter((entry) => entry !== undefined);
  const who = user === undefined ? 'this user' : `this user (uid ${String(user)})`;
  const fix = 'let keyturn run as its owner, or change the owner';
  let isFine = true;
  for (const { path, isReadable } of files.filter((entry) => !entry.isReadable || !entry.isWritable)) {
    isFine = false;
    yield problem('access', `${who} may not ${isReadable ? 'write' : 'read'} ${basename(path)}`, fix);
  }
  if (!folder.isWritable) {
    isFine = false;
    yield problem('access', `${who} may not write in ${folder.path}, where SQLite keeps the log`, fix);
  }
  for (const { path, owner } of files.filter((entry) => entry.owner !== file.owner)) {
    isFine = false;
    const text = `${basename(path)} belongs to uid ${String(owner)} and the file to uid ${String(file.owner)}`;
    yield problem('access', text, `chown ${String(file.owner)} ${quoted(path)}`);
  }
  if (file.names > 1) {
    isFine = false;
    const text = `the file has ${String(file.names)} names (hard links), and each would have a log of its own`;
    yield warning('access', text, 'remove all names but the one in the store URL');
  }
  if (user === 0 && file.owner !== 0 && isFine) {
    isFine = false;
    const text = `root may do everything, which says nothing of the file's owner (uid ${String(file.owner)})`;
    yield warning('access', text, 'run doctor as the user that keyturn runs as');
  }
  if (isFine) yield ok('access', `${who} may read and write the file and its folder`);
}

function* permissions({ file, log, index, folder }: Place): Generator<Finding, void> {
  if (file.mode === undefined) return;
  const open = [file, log, index].filter((entry) => entry !== undefined && ((entry.mode ?? 0) & 0o077) !== 0) as Entry[];
  for (const { path, mode = 0 } of open) {
    const text = `mode ${octal(mode)} of ${basename(path)} lets others than its owner in: it holds who is signed in, and keys`;
    yield warning('permissions', text, `chmod 600 ${quoted(path)}`);
  }
  const isOpenFolder = ((folder.mode ?? 0) & 0o1002) === 0o002;
  if (isOpenFolder) {
    const text = `everybody may replace what lies in ${folder.path} (mode ${octal(folder.mode ?? 0)})`;
    yield warning('permissions', text, `chmod o-w ${quoted(folder.path)}`);
  }
  if (open.length === 0 && !isOpenFolder) yield ok('permissions', `mode ${octal(file.mode)}: nobody but the owner gets in`);
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0');
}

function fileSystem({ fileSystem: found }: Place): Finding {
  const check = 'file-system';
  if (found === undefined) return ok(check, 'not told apart on this system; it has to be a local disk');
  const move = 'move the file to a local disk, while no process has it open';
  switch (found.kind) {
    case 'network':
      return problem(check, `${found.name} gives processes no memory in common and no locks to rely on: the file will be damaged`, move);
    case 'user':
      return warning(check, `${found.name}: whether locks and shared memory work is up to the program behind it`, move);
    case 'memory':
      return warning(check, `${found.name} is memory: a restart of the host signs everybody out`, 'move the file to a disk');
    case 'container':
      return warning(check, `${found.name}: if this is a container's own layer, the file goes away with the container`, 'keep it in a volume');
    case 'local':
      return ok(check, `${found.name}, a local one`);
  }
}

function disk({ freeBytes }: Place): Finding {
  if (freeBytes === undefined) return ok('disk', 'the system does not say how much is free');
  const text = `${bytes(freeBytes)} free`;
  const fix = 'make room: without it sign-ins, refreshes and revocations fail';
  if (freeBytes < NO_SPACE) return problem('disk', text, fix);
  return freeBytes < LITTLE_SPACE ? warning('disk', text, fix) : ok('disk', text);
}

/** What is to be said of the log, which may lie there without the index that reading it takes. */
export function judgeLog({ log, file }: Place, isAlone: boolean): Finding {
  const name = basename(log?.path ?? `${file.path}-wal`);
  const size = bytes(log?.size ?? 0);
  if (isAlone) {
    return problem(
      'log',
      `${name} holds ${size} but its index (-shm) is missing, so only a process that may write can read it`,
      `if both were copied together, start keyturn once; if it is older than ${basename(file.path)}, as after a restored backup, delete it`,
    );
  }
  if (log === undefined) return ok('log', 'no write-ahead log lies beside it, as when no process has it open');
  const text = `the write-ahead log has ${size}`;
  if (log.size <= LONG_LOG) return ok('log', text);
  return warning('log', `${text}: some process reads for so long that it cannot begin anew`, 'end that process (a backup, a shell with an open transaction)');
}
