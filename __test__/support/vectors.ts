import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { createVerifier, importKey, type JsonWebKey, type Key, KeyturnError } from 'keyturn';

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

/**
 * What the strict verifier finds out about a JWS whose payload need not be a JSON object:
 * - `claims`: everything is good, and so is the payload;
 * - `signature good`: header and signature are, and only then the payload was found to be no JSON object;
 * - a code and its reason: refused before or by the signature.
 *
 * Both of the first two are an accepted signature. A payload that is no JSON is malformed just as a bad segment is, and a
 * runner that asks for the code alone could not tell them apart: so the signature is changed by one bit, and only if that
 * turns the answer into ERR_SIGNATURE_INVALID, header and signature had been good.
 */
export function judge(jws: string, key: Key | readonly Key[]): string {
  const verify = createVerifier({ key, required: [], maxTokenBytes: 65_536 });
  const answer = answerOf(() => verify(jws));
  if (answer !== 'ERR_TOKEN_MALFORMED json' && answer !== 'ERR_TOKEN_MALFORMED utf-8') return answer;
  return answerOf(() => verify(withOtherSignature(jws))) === 'ERR_SIGNATURE_INVALID' ? 'signature good' : answer;
}

/** Whether the answer of {@link judge} is that of a good signature. */
export function isAccepted(answer: string): boolean {
  return answer === 'claims' || answer === 'signature good' || answer === 'ERR_TOKEN_EXPIRED';
}

/** `claims`, or the code and the reason of the failure. */
export function answerOf(call: () => unknown): string {
  try {
    call();
    return 'claims';
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    return error.reason === undefined ? error.code : `${error.code} ${error.reason}`;
  }
}

function withOtherSignature(jws: string): string {
  const dot = jws.lastIndexOf('.');
  const signature = Buffer.from(jws.slice(dot + 1), 'base64url');
  signature[0] = (signature[0] ?? 0) ^ 1;
  return jws.slice(0, dot + 1) + signature.toString('base64url');
}
