import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { bytes, counted, moment, printable, quoted, span } from '../../dist/cli/printable.js';

describe('what is printed', () => {
  it('holds nothing that a terminal obeys, and is bounded', () => {
    assert.equal(printable('a\u0000\u001b\u009b\n\u2028\u202e\u2066\u00e9'), 'a???????\u00e9');
    assert.equal(printable('x'.repeat(400)), 'x'.repeat(400));
    assert.equal(printable('x'.repeat(1_000_000)), `${'x'.repeat(400)}...`);
  });

  it('has numbers with their units', () => {
    assert.deepEqual([0, 1023, 1024, 1536, 2 ** 40, 2 ** 60].map(bytes), [
      '0 bytes', '1023 bytes', '1.0 KiB', '1.5 KiB', '1.0 TiB', '1048576.0 TiB',
    ]);
    assert.deepEqual([0, 1, 2000].map((count) => counted(count, 'page')), ['0 pages', '1 page', '2,000 pages']);
    assert.deepEqual([0, 1900, 90_000, 7_200_000, 2 * 86_400_000].map(span), [
      '0 seconds', '2 seconds', '90 seconds', '2 hours', '2 days',
    ]);
    assert.deepEqual([0, 1_700_000_000_123, Number.MAX_SAFE_INTEGER].map(moment), [
      '1970-01-01T00:00:00Z', '2023-11-14T22:13:20Z', '9007199254740991 ms',
    ]);
  });

  it('has paths as a shell takes them', () => {
    assert.deepEqual(['/a/b-1.db', 'a b', "it's $HOME"].map(quoted), ['/a/b-1.db', "'a b'", String.raw`'it'\''s $HOME'`]);
  });
});
