import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';

import { requirement } from '../support/requirements.js';
import { temporaryFolder } from '../support/sessions.js';

const prlimit = requirement('prlimit');

const PROGRAM = ['--enable-source-maps', join(__dirname, '..', 'support', 'disk-full-process.js')];

/** A process with mounts of its own, which nobody else sees and which end with it. */
const WITH_ITS_MOUNTS = ['unshare', '-rm', '/bin/sh', '-c'];

/** Containers often forbid it. */
const mayMount = run([...WITH_ITS_MOUNTS, 'mount -t tmpfs -o size=64k none "$0"', tmpdir()]).status === 0;

describe('a disk that gets full burns no session, keeps every revocation in force, and all goes on when there is room', () => {
  it('on a small tmpfs', { skip: mayMount ? false : 'this process may not mount; the next test stands in' }, (t) => {
    const script = 'mount -t tmpfs -o size=2m none "$0" && exec "$@" "$0"';
    check(t, [...WITH_ITS_MOUNTS, script, temporaryFolder(t), process.execPath, ...PROGRAM]);
  });

  it('with files that may not grow', { skip: prlimit.skip }, (t) => {
    check(t, [process.execPath, ...PROGRAM, temporaryFolder(t), prlimit.path]);
  });
});

function check(t: TestContext, command: readonly string[]): void {
  const { status, stdout, stderr } = run(command);
  assert.equal(status, 0, stderr);
  t.diagnostic(stdout.trim());
}

function run([program = '', ...args]: readonly string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  return spawnSync(program, args, { encoding: 'utf8', timeout: 120_000 });
}
