import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { judgeKeys } from '../../../dist/cli/doctor/judge-keys.js';

type Contents = Parameters<typeof judgeKeys>[0];

const contents = (keys: Contents['keys'], live = 1): Contents => ({
  sessions: { live, idle: 0, ended: 0, overdue: 0, unreadable: 0 },
  revocations: { everything: 0, key: 0, permissions: 0, session: 0, subject: 0, token: 0, expired: 0, unreadable: 0 },
  keys,
  latest: 0,
});

const keysOf = (sealedBy: 'current' | 'nobody' | 'previous'): Contents['keys'] =>
  ['csrf', 'refresh', 'signing'].map((purpose) => ({ purpose, count: 1, sealedBy }));

describe('the judgement of the keys', () => {
  it('has one line for all that are in the same state', () => {
    assert.deepEqual(verdicts(judgeKeys(contents(keysOf('current')), 'given')), ['ok']);
    const [first, ...others] = keysOf('nobody');
    assert.ok(first !== undefined);
    assert.deepEqual(verdicts(judgeKeys(contents([{ ...first, sealedBy: 'current' }, ...others]), 'given')), ['ok', 'warning']);
  });

  it('misses keys only where there are sessions that need them', () => {
    assert.deepEqual(verdicts(judgeKeys(contents([], 0), 'none')), ['ok']);
    assert.deepEqual(verdicts(judgeKeys(contents([]), 'none')), ['problem']);
    const [csrf] = keysOf('current');
    assert.ok(csrf !== undefined);
    const [missing] = judgeKeys(contents([csrf]), 'given');
    assert.match(missing?.text ?? '', /^no refresh keys/);
    assert.deepEqual(verdicts(judgeKeys(contents(keysOf('current').slice(0, 2)), 'given')), ['ok'], 'an application may sign with keys of its own');
  });

  it('finds a text that is no master key, whatever else there is', () => {
    assert.deepEqual(verdicts(judgeKeys(contents(keysOf('nobody')), 'malformed')), ['problem', 'warning']);
  });
});

function verdicts(findings: ReturnType<typeof judgeKeys>): string[] {
  return findings.map(({ status }) => status);
}
