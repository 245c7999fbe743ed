import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { requirement } from '../support/requirements.js';
import { temporaryFolder } from '../support/sessions.js';

const disk = requirement('private tmpfs');

const ON_A_SMALL_DISK = 'mount -t tmpfs -o size=2m none "$0" && exec "$@" "$0"';

describe('a disk that gets full', { skip: disk.skip }, () => {
  it('burns no session, keeps every revocation in force, and all goes on when there is room again', (t) => {
    const program = join(__dirname, '..', 'support', 'disk-full-process.js');
    const command = ['-rm', '/bin/sh', '-c', ON_A_SMALL_DISK, temporaryFolder(t), process.execPath, '--enable-source-maps', program];
    const { status, stdout, stderr } = spawnSync(disk.path, command, { encoding: 'utf8', timeout: 120_000 });
    assert.equal(status, 0, stderr);
    t.diagnostic(stdout.trim());
  });
});
