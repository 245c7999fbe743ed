import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { LONG } from '../support/requirements.js';
import { skipUnderSanitizer } from '../support/sanitizer.js';

const PROGRAM = join(__dirname, 'memory-program.js');

const MIB = 1024 * 1024;

/** The smallest thing that could be left behind is one block of the allocator, of 32 bytes with its head. */
const BLOCK = 32;

/** How much the heap breathes, at least and at most, while nothing is left behind. */
const BREATH = { least: 2 * MIB, most: 6 * MIB } as const;

/** The memory held after each part, in bytes. */
function held(work: string, times: number): readonly number[] {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', PROGRAM, work, String(times)], { encoding: 'utf8' });
  assert.deepEqual([status, stderr], [0, '']);
  return stdout.trim().split('\n').map(Number);
}

describe('the memory of a process', { skip: skipUnderSanitizer }, () => {
  const cases: readonly (readonly [work: string, times: number, long: number])[] = [
    ['verify', 300_000, 10_000_000],
    ['refuse', 300_000, 3_000_000],
    ['sign', 300_000, 3_000_000],
    ['sign and verify any bytes', 300_000, 3_000_000],
    ['make and drop', 100_000, 1_000_000],
    ['make and drop keys', 20_000, 500_000],
    ['on the pool', 20_000, 1_000_000],
  ];
  for (const [work, times, long] of cases) {
    const count = LONG ? long : times;
    it(`stays what it is over ${count} times: ${work}`, (t) => {
      const parts = held(work, count);
      assert.equal(parts.length, 20);
      // The first half warms up: code is compiled, and the heap finds its size.
      const growth = median(parts.slice(15)) - median(parts.slice(10, 15));
      t.diagnostic(`${growth} bytes more over ${count / 4} times`);
      const most = Math.min(Math.max((count / 4) * BLOCK, BREATH.least), BREATH.most);
      assert.ok(growth < most, `${growth} bytes more: ${parts.join(' ')}`);
    });
  }
});

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
