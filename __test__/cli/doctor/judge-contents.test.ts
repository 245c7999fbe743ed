import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { Finding } from '../../../dist/cli/doctor/finding.js';
import { judgeContents } from '../../../dist/cli/doctor/judge-contents.js';
import { judgeFile } from '../../../dist/cli/doctor/judge-file.js';

const NOW = 1_700_000_000_000;

type Contents = Parameters<typeof judgeContents>[0];
type Examination = Parameters<typeof judgeFile>[0];

const CONTENTS: Contents = {
  sessions: { live: 1, idle: 0, ended: 0, overdue: 0, unreadable: 0 },
  revocations: { everything: 0, key: 0, permissions: 0, session: 2, subject: 0, token: 1, expired: 1, unreadable: 0, lastExpiresAt: NOW + 1000 },
  keys: [],
  latest: NOW - 1000,
};

const FOREIGN: Examination = { pageBytes: 4096, pages: 100, freePages: 3, writeAhead: true, knownVersion: 4, missing: [], damage: [] };
const FILE: Examination = { ...FOREIGN, version: 4, contents: CONTENTS };

describe('the judgement of what the tables hold', () => {
  it('counts', () => {
    assert.deepEqual(judgeContents(CONTENTS, NOW).map(({ status, text }) => `${status} ${text}`), [
      'ok 1 live session',
      'ok 3 revocations (session 2, token 1); the last one expires at 2023-11-14T22:13:21Z; 1 have expired, which a running keyturn deletes',
      "ok nothing recorded lies ahead of this host's clock; the latest is of 2023-11-14T22:13:19Z",
    ]);
    const sessions = { live: 2000, idle: 1, ended: 2, overdue: 3, unreadable: 0 };
    assert.equal(
      judgeContents({ ...CONTENTS, sessions }, NOW)[0]?.text,
      '2,000 live sessions, 1 past their idle limit, 2 ended, 3 past their end, which a running keyturn deletes',
    );
  });

  it('finds rows that cannot be read', () => {
    const { sessions, revocations } = CONTENTS;
    const found = judgeContents({ ...CONTENTS, sessions: { ...sessions, unreadable: 1 }, revocations: { ...revocations, unreadable: 1 } }, NOW);
    assert.deepEqual(verdicts(found), ['problem sessions', 'problem revocations', 'ok clock']);
  });

  it('finds more revocations than the index can hold for long', () => {
    const found = judgeContents({ ...CONTENTS, revocations: { ...CONTENTS.revocations, token: 8_000_001 } }, NOW);
    assert.equal(verdicts(found)[1], 'warning revocations');
  });

  it('finds what was recorded by a clock that was ahead', () => {
    const verdict = (ahead: number): string | undefined => verdicts(judgeContents({ ...CONTENTS, latest: NOW + ahead }, NOW))[2];
    assert.deepEqual([1000, 1001, 30_000, 30_001].map(verdict), ['ok clock', 'warning clock', 'warning clock', 'problem clock']);
  });
});

describe('the judgement of a database', () => {
  it('finds nothing where all is well', () => {
    assert.deepEqual(verdicts(judgeFile(FILE, '1.2.3')), ['ok database', 'ok version', 'ok integrity']);
  });

  const cases: readonly (readonly [name: string, part: Partial<Examination>, verdict: string, text: RegExp])[] = [
    ['an empty file', { pages: 0 }, 'problem version', /empty/],
    ['tables of a newer version', { version: 5 }, 'problem version', /have version 5, and keyturn 1\.2\.3 knows up to 4 -> use the newer/],
    ['tables of an older version', { version: 3 }, 'warning version', /have version 3.* -> back it up/],
    ['tables that lack something', { missing: ['keyturn_sessions.sid'] }, 'problem version', /lack keyturn_sessions\.sid ->/],
    ['a file without a write-ahead log', { writeAhead: false }, 'warning database', /nothing: keyturn sets it/],
    ['damage', { damage: ['Page 3: never used'] }, 'problem integrity', /Page 3/],
  ];
  for (const [name, part, verdict, text] of cases) {
    it(`finds ${name}`, () => {
      const found = judgeFile({ ...FILE, ...part }, '1.2.3').filter(({ status }) => status !== 'ok');
      assert.deepEqual(verdicts(found), [verdict]);
      assert.match(`${found[0]?.text ?? ''} -> ${found[0]?.fix ?? ''}`, text);
    });
  }

  it('finds a file of somebody else', () => {
    const found = judgeFile(FOREIGN, '1.2.3');
    assert.deepEqual(verdicts(found), ['ok database', 'problem version', 'ok integrity']);
    assert.match(found[1]?.text ?? '', /none of keyturn's tables/);
  });

  it('lets no name in a file reach the terminal as it is', () => {
    const found = judgeFile({ ...FILE, damage: [`\u001b]0;${'x'.repeat(10_000)}`] }, '1.2.3');
    assert.match(found[2]?.text ?? '', /^\?\]0;x{396}\.\.\.$/);
  });

  it('prints a few lines of damage and counts the others', () => {
    const damage = Array.from({ length: 20 }, (_, page) => `Page ${String(page)}: never used`);
    const found = judgeFile({ ...FILE, damage }, '1.2.3').filter(({ check }) => check === 'integrity');
    assert.equal(found.length, 6);
    assert.match(found[5]?.text ?? '', /^15 more/);
  });
});

function verdicts(findings: readonly Finding[]): string[] {
  return findings.map(({ check, status }) => `${status} ${check}`);
}
