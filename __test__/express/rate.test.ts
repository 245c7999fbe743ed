import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { parseRate } from '../../dist/express/rate.js';

describe('parseRate', () => {
  const good: readonly (readonly [value: unknown, limit: number, windowMs: number])[] = [
    ['5/1m', 5, 60_000],
    ['10/m', 10, 60_000],
    ['100/30s', 100, 30_000],
    ['1/2h', 1, 7_200_000],
    ['1000000/1d', 1_000_000, 86_400_000],
    [{ limit: 5, window: '1m' }, 5, 60_000],
    [{ limit: 5, window: 90 }, 5, 90_000],
  ];
  for (const [value, limit, windowMs] of good) {
    it(`reads ${JSON.stringify(value)}`, () => {
      assert.deepEqual(parseRate(value, 'loginLimit'), { limit, windowMs });
    });
  }

  const bad = ['', '5', '5/', '/1m', '0/1m', '-1/1m', '1.5/1m', '5/1', '5/0m', '5/1w', '5 / 1m', '5/1M', '5/2d', '1000001/1m', '5/1m/2', false, true, 5, null, undefined, [], {}, { limit: 5 }, { limit: '5', window: '1m' }, { limit: 5, window: 0.5 }, { limit: Infinity, window: '1m' }];
  for (const value of bad) {
    it(`refuses ${JSON.stringify(value)} and shows how to write one`, () => {
      assert.throws(() => parseRate(value, 'loginLimit'), { code: 'ERR_OPTION_INVALID', message: /^loginLimit must be/ });
    });
  }

  it('refuses an unknown part', () => {
    assert.throws(() => parseRate({ limit: 5, windw: '1m' }, 'loginLimit'), { code: 'ERR_OPTION_UNKNOWN', message: /did you mean 'window'/ });
  });
});
