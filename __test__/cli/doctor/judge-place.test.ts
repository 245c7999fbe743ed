import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { judgeLog, judgePlace } from '../../../dist/cli/doctor/judge-place.js';
import type { Entry, Place } from '../../../dist/cli/doctor/place.js';

const MIB = 2 ** 20;

/** As on a system without owners and permissions. */
const BARE: Entry = { path: '/srv/app/keyturn.db', size: 4096, names: 1, isReadable: true, isWritable: true };
const FILE: Entry = { ...BARE, mode: 0o600, owner: 1000 };

const CLOSED: Place = {
  file: FILE,
  folder: { ...FILE, path: '/srv/app', mode: 0o755, names: 2 },
  fileSystem: { name: 'ext4', kind: 'local' },
  freeBytes: 1000 * MIB,
  user: 1000,
};
const GOOD: Place = {
  ...CLOSED,
  log: { ...FILE, path: '/srv/app/keyturn.db-wal' },
  index: { ...FILE, path: '/srv/app/keyturn.db-shm' },
};

describe('the judgement of where a file lies', () => {
  it('finds nothing where all is well', () => {
    assert.deepEqual(verdicts(GOOD), ['ok access', 'ok permissions', 'ok file-system', 'ok disk']);
  });

  it('says nothing of permissions where the system has none', () => {
    const elsewhere: Place = { file: BARE, log: BARE, index: BARE, folder: BARE, freeBytes: 1000 * MIB };
    assert.deepEqual(verdicts(elsewhere), ['ok access', 'ok file-system', 'ok disk']);
  });

  const cases: readonly (readonly [name: string, place: Partial<Place>, verdict: string, text: RegExp])[] = [
    ['a file that may not be written', { file: { ...FILE, isWritable: false } }, 'problem access', /uid 1000\) may not write keyturn\.db ->/],
    ['a file that may not be read', { file: { ...FILE, isReadable: false } }, 'problem access', /may not read keyturn\.db/],
    ['an index that may not be written', { index: { ...FILE, path: '/x-shm', isWritable: false } }, 'problem access', /x-shm/],
    ['a folder that may not be written', { folder: { ...FILE, path: '/srv/app', isWritable: false } }, 'problem access', /may not write in \/srv\/app/],
    ['a log of another owner', { log: { ...FILE, path: '/x-wal', owner: 0 } }, 'problem access', /x-wal belongs to uid 0 .* -> chown 1000 \/x-wal/],
    ['a second name', { file: { ...FILE, names: 2 } }, 'warning access', /hard links/],
    ['root looking at the file of another', { user: 0 }, 'warning access', /run doctor as the user/],
    ['a file that others may read', { file: { ...FILE, mode: 0o644 } }, 'warning permissions', /mode 0644 of keyturn\.db .* -> chmod 600 \/srv/],
    ['an index that the group may write', { index: { ...FILE, path: '/x-shm', mode: 0o660 } }, 'warning permissions', /x-shm/],
    ['a folder that everybody may write', { folder: { ...FILE, path: '/srv/a b', mode: 0o777 } }, 'warning permissions', /chmod o-w '\/srv\/a b'/],
    ['a network', { fileSystem: { name: 'NFS', kind: 'network' } }, 'problem file-system', /NFS .* -> move the file to a local disk/],
    ['FUSE', { fileSystem: { name: 'FUSE', kind: 'user' } }, 'warning file-system', /FUSE/],
    ['memory', { fileSystem: { name: 'tmpfs', kind: 'memory' } }, 'warning file-system', /tmpfs/],
    ['a layer of a container', { fileSystem: { name: 'overlayfs', kind: 'container' } }, 'warning file-system', /volume/],
    ['a disk that is nearly full', { freeBytes: 255 * MIB }, 'warning disk', /255\.0 MiB free/],
    ['a full disk', { freeBytes: MIB }, 'problem disk', /make room/],
  ];
  for (const [name, part, verdict, text] of cases) {
    it(`finds ${name}`, () => {
      const found = judgePlace({ ...GOOD, ...part }).filter(({ status }) => status !== 'ok');
      assert.deepEqual(found.map(({ check, status }) => `${status} ${check}`), [verdict]);
      assert.match(`${found[0]?.text ?? ''} -> ${found[0]?.fix ?? ''}`, text);
    });
  }

  it('takes the folder of everybody for safe if only owners may delete in it', () => {
    assert.ok(verdicts({ ...GOOD, folder: { ...FILE, mode: 0o1777 } }).includes('ok permissions'));
  });
});

describe('the judgement of a log', () => {
  it('finds one that is long, or lies there alone', () => {
    const long: Place = { ...GOOD, log: { ...FILE, size: 65 * MIB } };
    const verdict = (place: Place, isAlone: boolean): string => {
      const { status, text } = judgeLog(place, isAlone);
      return `${status} ${text}`;
    };
    assert.match(verdict(CLOSED, false), /^ok no write-ahead log/);
    assert.match(verdict(GOOD, false), /^ok the write-ahead log has 4\.0 KiB$/);
    assert.match(verdict(long, false), /^warning the write-ahead log has 65\.0 MiB: some process reads/);
    assert.match(verdict(GOOD, true), /^problem keyturn\.db-wal holds 4\.0 KiB but its index \(-shm\) is missing/);
  });
});

function verdicts(place: Place): string[] {
  return judgePlace(place).map(({ check, status }) => `${status} ${check}`);
}
