import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { fileSystemOf } from '../../../dist/cli/doctor/file-systems.js';

describe('a file system', () => {
  it('is known by its number, signed or not', () => {
    assert.deepEqual(fileSystemOf(0x6969), { name: 'NFS', kind: 'network' });
    assert.deepEqual(fileSystemOf(0xff534d42), fileSystemOf(0xff534d42 | 0));
    assert.equal(fileSystemOf(0x65735546).kind, 'user');
    assert.equal(fileSystemOf(0x794c7630).kind, 'container');
  });

  it('counts as a local one if it is not known to be something else', () => {
    assert.deepEqual(fileSystemOf(0x1234), { name: 'type 0x1234', kind: 'local' });
  });
});
