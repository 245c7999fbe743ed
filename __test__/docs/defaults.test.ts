import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import {
  createAccounts,
  createAuth,
  createKeyRing,
  createRemoteKeySet,
  createSessions,
  createSigner,
  createVerifier,
  decryptJwe,
  encryptJwe,
  generateKey,
  importKey,
  importKeySet,
  KeyturnError,
  signJws,
  verifyJws,
} from 'keyturn';

import { projectText, sectionOf } from '../support/documents.js';

const DOCUMENT = projectText('docs/defaults.md');

const SESSIONS = { store: 'memory:', issuer: 'https://app.example', audience: 'app' } as const;

/** Far enough from every option that the refusal lists them all instead of the nearest one. */
const UNKNOWN = { 'not an option': true } as never;

describe('docs/defaults.md', () => {
  const sessionsNames = namesIn(refusal(() => createSessions(UNKNOWN)));

  it('has a row for each option of createSessions(), and for nothing else', () => {
    const nested = {
      keys: namesIn(refusal(() => createSessions({ ...SESSIONS, keys: UNKNOWN }))),
      access: namesIn(refusal(() => createSessions({ ...SESSIONS, access: UNKNOWN }))),
      refresh: namesIn(refusal(() => createSessions({ ...SESSIONS, refresh: UNKNOWN }))),
      maxSessions: namesIn(refusal(() => createSessions({ ...SESSIONS, maxSessions: UNKNOWN }))),
    };
    assert.deepEqual(rowsOf('createSessions()'), expanded(sessionsNames, nested));
  });

  it('has a row for each option that createAuth() adds, and for nothing else', () => {
    const names = namesIn(refusal(() => createAuth(UNKNOWN))).filter((name) => !sessionsNames.includes(name));
    const nested = {
      cookie: namesIn(refusal(() => createAuth({ ...SESSIONS, cookie: UNKNOWN }))),
      csrf: namesIn(refusal(() => createAuth({ ...SESSIONS, csrf: UNKNOWN }))),
    };
    assert.deepEqual(rowsOf('createAuth()'), expanded(names, nested));
  });

  it('has a row for each option of a guard, and for nothing else', async () => {
    const auth = createAuth(SESSIONS);
    assert.deepEqual(rowsOf('requireAuth()'), namesIn(refusal(() => auth.requireAuth(UNKNOWN))).sort());
    await auth.close();
  });

  it('has a row for each option of router(), and for nothing else', async () => {
    const auth = createAuth(SESSIONS);
    assert.deepEqual(rowsOf('router()'), namesIn(refusal(() => auth.router(UNKNOWN))).sort());
    await auth.close();
  });

  it('has a row for each option of start() and of an account, and for nothing else', async () => {
    const sessions = createSessions(SESSIONS);
    assert.deepEqual(rowsOf('start()'), namesIn(await rejection(sessions.start(UNKNOWN))).sort());
    assert.deepEqual(rowsOf('createAccounts()'), namesIn(await rejection(createAccounts(sessions).save(UNKNOWN))).sort());
    await sessions.close();
  });

  const factories: readonly (readonly [heading: string, call: () => unknown])[] = [
    ['createSigner()', () => createSigner(UNKNOWN)],
    ['createVerifier()', () => createVerifier(UNKNOWN)],
    ['signJws()', () => signJws('', generateKey('HS256'), UNKNOWN)],
    ['verifyJws()', () => verifyJws('', generateKey('HS256'), UNKNOWN)],
    ['encryptJwe()', () => encryptJwe('', generateKey('A256KW'), UNKNOWN)],
    ['decryptJwe()', () => decryptJwe('', generateKey('A256KW'), UNKNOWN)],
    ['importKey()', () => importKey('', UNKNOWN)],
    ['generateKey()', () => generateKey('EdDSA', UNKNOWN)],
    ['importKeySet()', () => importKeySet({ keys: [] }, UNKNOWN)],
    ['createKeyRing()', () => createKeyRing(UNKNOWN)],
    ['createRemoteKeySet()', () => createRemoteKeySet('https://id.example/jwks', UNKNOWN)],
  ];
  const nested: Readonly<Record<string, Readonly<Record<string, () => unknown>>>> = {
    'createSigner()': { encrypt: () => createSigner({ key: generateKey('HS256'), encrypt: UNKNOWN }) },
    'createVerifier()': { decrypt: () => createVerifier({ key: generateKey('HS256'), decrypt: UNKNOWN }) },
  };
  for (const [heading, call] of factories) {
    it(`has a row for each option of ${heading}, and for nothing else`, () => {
      const inner = Object.entries(nested[heading] ?? {}).map(([name, one]) => [name, namesIn(refusal(one))] as const);
      assert.deepEqual(rowsOf(heading), expanded(namesIn(refusal(call)), Object.fromEntries(inner)));
    });
  }
});

/** The options that a section explains: the first column of its table, sorted. */
function rowsOf(heading: string): string[] {
  const names = sectionOf(DOCUMENT, heading).map((line) => /^\| `([^`]+)` \|/.exec(line)?.[1]);
  return names.filter((name) => name !== undefined).sort();
}

/** Each option that holds others is replaced by those, as `access.ttl`. */
function expanded(names: readonly string[], nested: Readonly<Record<string, readonly string[]>>): string[] {
  return names.flatMap((name) => nested[name]?.map((inner) => `${name}.${inner}`) ?? [name]).sort();
}

/** Whoever writes an option that does not exist is told which ones do. */
function namesIn(error: unknown): string[] {
  assert.ok(error instanceof KeyturnError);
  assert.equal(error.code, 'ERR_OPTION_UNKNOWN');
  const names = /; the options are (.+)$/.exec(error.message)?.[1];
  assert.ok(names !== undefined, error.message);
  return names.split(', ');
}

function refusal(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}

function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(() => undefined, (error: unknown) => error);
}
