import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { importKey, type JsonWebKey, type Key, KeyturnError } from 'keyturn';

import { requirement } from './requirements.js';

/** The public vectors, or why they are not here. */
export const VECTORS = requirement('vectors');

/** Parses one file of the vectors; `empty` where there are none, which only a skipped test could see. */
export function readVectors<T>(file: string, empty: T): T {
  return VECTORS.skip === false ? (JSON.parse(readFileSync(join(VECTORS.path, file), 'utf8')) as T) : empty;
}

export interface WycheproofRow {
  readonly tcId: number;
  readonly comment: string;
  readonly jws: string;
  readonly result: 'valid' | 'invalid';
}

export interface WycheproofGroup<K> {
  readonly comment: string;
  readonly private: K;
  /** Absent where there is none. */
  readonly public?: K;
  readonly tests: readonly WycheproofRow[];
}

/** The groups of one Wycheproof file. */
export function readWycheproof<K>(name: string): readonly WycheproofGroup<K>[] {
  return readVectors<{ testGroups: readonly WycheproofGroup<K>[] }>(`wycheproof/${name}`, { testGroups: [] }).testGroups;
}

/** A key out of a vector, bound to its own algorithm or to the one given. */
export function importVector(jwk: JsonWebKey, alg: unknown = jwk['alg']): Key {
  return importKey(jwk, { alg: alg as Key['alg'] });
}

/** `good`, or the code and the reason of the failure. */
export function answerOf(call: () => unknown): string {
  try {
    call();
    return 'good';
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    return error.reason === undefined ? error.code : `${error.code} ${error.reason}`;
  }
}
