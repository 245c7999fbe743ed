/** What the system says of a store's file and of where it lies. Nothing here opens it. */
import { accessSync, constants, existsSync, realpathSync, statfsSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';

import { type FileSystem, fileSystemOf } from './file-systems.js';

/** A file, or a folder. */
export interface Entry {
  readonly path: string;
  readonly size: number;
  /** The permission bits; absent where the system has none. */
  readonly mode?: number;
  /** Whose it is, by number; absent where the system has none. */
  readonly owner?: number;
  /** How many names it has. */
  readonly names: number;
  readonly isReadable: boolean;
  readonly isWritable: boolean;
}

export interface Place {
  readonly file: Entry;
  /** What SQLite writes first. */
  readonly log?: Entry;
  /** The index of that log, which its readers share. */
  readonly index?: Entry;
  readonly folder: Entry;
  /** Absent where the system's numbers are not known. */
  readonly fileSystem?: FileSystem;
  /** What is left for this user on it. */
  readonly freeBytes?: number;
  /** Who looks, by number. */
  readonly user?: number;
}

/** The file cannot be looked at; the message says why and what to do. */
export class Unexaminable extends Error {}

/** @throws Unexaminable if there is no such file, or it is something else. */
export function lookAt(path: string): Place {
  const real = resolved(path);
  const file = entry(real);
  if (file === undefined) throw new Unexaminable(`${path} is gone`);
  const folder = entry(dirname(real));
  if (folder === undefined) throw new Unexaminable(`the folder of ${path} is gone`);
  const [log, index] = [entry(`${real}-wal`), entry(`${real}-shm`)];
  const user = process.getuid?.();
  return {
    file,
    ...(log === undefined ? {} : { log }),
    ...(index === undefined ? {} : { index }),
    folder,
    ...volume(real),
    ...(user === undefined ? {} : { user }),
  };
}

/** SQLite follows links too, and keeps its log beside what they lead to. */
function resolved(path: string): string {
  try {
    const real = realpathSync(path);
    const stats = statSync(real);
    if (stats.isFile()) return real;
    throw new Unexaminable(`${path} is ${stats.isDirectory() ? 'a folder' : 'no file'}; give the path of the store's file`);
  } catch (error) {
    if (error instanceof Unexaminable) throw error;
    throw new Unexaminable(`${path} cannot be looked at: ${reason(error)}`);
  }
}

function reason(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return 'there is no such file; keyturn makes one at its first start';
    case 'EACCES':
      return 'this user may not enter its folder; run doctor as the user that keyturn runs as';
    case 'ENOTDIR':
      return 'a part of its path is no folder';
    case 'ERR_INVALID_ARG_VALUE':
      return 'it is no path';
    case undefined:
      return 'the system does not say why';
    default:
      return (error as Error).message;
  }
}

function entry(path: string): Entry | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  const [isReadable, isWritable] = [may(path, constants.R_OK), may(path, constants.W_OK)];
  // A process that closed the file just now has taken its log along.
  if (!(isReadable && isWritable) && !existsSync(path)) return undefined;
  return { path, size: stats.size, ...ownership(stats), names: stats.nlink, isReadable, isWritable };
}

function ownership(stats: Stats): Pick<Entry, 'mode' | 'owner'> {
  return process.platform === 'win32' ? {} : { mode: stats.mode & 0o7777, owner: stats.uid };
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

function volume(path: string): Pick<Place, 'fileSystem' | 'freeBytes'> {
  try {
    const { type, bavail, bsize } = statfsSync(path);
    const freeBytes = bavail * bsize;
    return process.platform === 'linux' ? { fileSystem: fileSystemOf(type), freeBytes } : { freeBytes };
  } catch {
    return {};
  }
}
