import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { parseDuration } from '../../dist/options/duration.js';

describe('parseDuration', () => {
  const good: readonly (readonly [value: unknown, milliseconds: number])[] = [
    [0, 0], [1, 1000], [0.5, 500], [1.0004, 1000], [300, 300_000], [3650 * 86_400, 315_360_000_000],
    ['0ms', 0], ['500ms', 500], ['30s', 30_000], ['15m', 900_000], ['12h', 43_200_000], ['7d', 604_800_000], ['007s', 7000],
    ['3650d', 315_360_000_000],
  ];
  for (const [value, milliseconds] of good) {
    it(`reads ${JSON.stringify(value)} as ${milliseconds} ms`, () => {
      assert.equal(parseDuration(value, 'idle'), milliseconds);
    });
  }

  const bad: readonly unknown[] = [
    NaN, Infinity, -Infinity, -1, -0.001, 1e300, 3650 * 86_400 + 1, 5n, true, false, null, undefined, [], ['5m'], {}, () => 5,
    new Number(5), new String('5m'), new Date(5), Symbol('5m'),
    '', ' ', '5', 'm', '5 m', ' 5m', '5m ', '5m\n', '\n5m', '5M', '5min', '5w', '5y', '1.5h', '-5s', '+5s', '0x5s', '1e3s', '5,0s', '1h30m',
    '\u0665m', '3651d', '999999999999d', '1234567890123ms', 'NaNs', 'Infinitys', `${'9'.repeat(100_000)}s`,
  ];
  for (const value of bad) {
    const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 20)) : `${typeof value} ${String(value)}`;
    it(`refuses ${shown} and says what does`, () => {
      assert.throws(() => parseDuration(value, 'idle'), {
        name: 'KeyturnError',
        code: 'ERR_OPTION_INVALID',
        claim: 'idle',
        message: "idle must be a number of seconds or a string such as '15m' (units ms, s, m, h, d), at most 3650d",
      });
    });
  }
});
