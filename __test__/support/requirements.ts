import { accessSync, appendFileSync, constants, existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

/**
 * Something outside the project that a test needs:
 *
 *     const redis = requirement('redis-server');
 *     test('two hosts share one session', { skip: redis.skip }, () => { spawn(redis.path, ...); });
 */
export interface Requirement {
  /** Where it is; the empty string if it is missing, which only a skipped test could see. */
  readonly path: string;
  /** `false` if it is here, otherwise why the test is skipped, for node:test. */
  readonly skip: false | string;
}

interface Finder {
  readonly find: () => string | undefined;
  readonly hint: string;
}

const FINDERS = {
  chromium: {
    find: () => process.env['KEYTURN_CHROMIUM'] ?? onPath('chromium', 'chromium-browser', 'google-chrome'),
    hint: 'install Chromium, or set KEYTURN_CHROMIUM to its path',
  },
  prlimit: {
    find: () => onPath('prlimit'),
    hint: 'install util-linux',
  },
  'redis-server': {
    find: () => onPath('redis-server'),
    hint: 'install redis-server',
  },
  vectors: {
    find: () => existing(resolve(process.env['KEYTURN_VECTORS'] ?? '../shared/vectors')),
    hint: 'set KEYTURN_VECTORS to a folder with the public JOSE test vectors',
  },
} satisfies Readonly<Record<string, Finder>>;

export type RequirementName = keyof typeof FINDERS;

/**
 * Looks for a requirement. If it is missing, the tests that need it are skipped and `npm test` names it at its end; with
 * KEYTURN_REQUIRE_ALL=1 it is an error instead.
 */
export function requirement(name: RequirementName): Requirement {
  const { find, hint } = FINDERS[name];
  const path = find();
  if (path !== undefined) return { path, skip: false };
  if (process.env['KEYTURN_REQUIRE_ALL'] === '1') throw new Error(`${name} is missing: ${hint}`);
  const log = process.env['KEYTURN_SKIP_LOG'];
  if (log !== undefined) appendFileSync(log, `${name}: ${hint}\n`);
  return { path: '', skip: `needs ${name}: ${hint}` };
}

/** Whether tests that take minutes run: `npm run test:long`. */
export const LONG = process.env['KEYTURN_LONG'] === '1';

/** For the options of a test that takes minutes. */
export const skipUnlessLong: false | string = LONG ? false : 'takes minutes; npm run test:long runs it';

function existing(path: string): string | undefined {
  return existsSync(path) ? path : undefined;
}

function onPath(...names: readonly string[]): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
