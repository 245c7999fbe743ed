import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { resolveRemoteOptions } from '../../../dist/keys/remote/options.js';
import { Timetable } from '../../../dist/keys/remote/timetable.js';

const MINUTE = 60_000;
const timetable = (options = {}): Timetable => new Timetable(resolveRemoteOptions('https://id.example/jwks', options));

/** A timetable of keys that were loaded at 0. */
function loaded(options = {}, maxAge?: number): Timetable {
  const times = timetable(options);
  times.loaded(0, times.ends(0, maxAge).freshUntil);
  return times;
}

describe('the timetable of a remote key set', () => {
  it('has everything due at the beginning, and everybody waits', () => {
    const times = timetable();
    assert.deepEqual([times.isDue(0), times.isServing(0), times.pause(0)], [true, false, 0]);
    assert.deepEqual([times.loadedAt, times.freshUntil, times.usableUntil], [undefined, undefined, undefined]);
  });

  it('asks ahead of the end by refreshAhead, but not before half of the age', () => {
    assert.deepEqual([9 * MINUTE - 1, 9 * MINUTE].map((now) => loaded().isDue(now)), [false, true]);
    assert.deepEqual([14_999, 15_000].map((now) => loaded({}, 0).isDue(now)), [false, true]);
    assert.deepEqual([999, 1000].map((now) => loaded({ maxAge: '1s', refreshAhead: 0 }).isDue(now)), [false, true]);
  });

  it('lets nobody wait for a server that fails', () => {
    const times = loaded();
    assert.equal(times.isServing(10 * MINUTE), false);
    times.failed(10 * MINUTE);
    assert.equal(times.isServing(10 * MINUTE), true);
    times.loaded(20 * MINUTE, 30 * MINUTE);
    assert.deepEqual([30 * MINUTE - 1, 30 * MINUTE].map((now) => times.isServing(now)), [true, false]);
  });

  it('doubles the pause after each failure, up to half a minute, and forgets them at a success', () => {
    const times = loaded();
    const pauses = Array.from({ length: 12 }, () => {
      times.failed(0);
      return times.pause(0) / 1000;
    });
    assert.deepEqual(pauses, [1, 2, 4, 8, 16, 30, 30, 30, 30, 30, 30, 30]);
    assert.equal(times.pause(-1), 0, 'a clock that was set back does not prolong it');
    times.loaded(0, 1);
    assert.equal(times.pause(0), 0);
  });

  it('counts an unknown kid once in a cool-down, and not while it pauses', () => {
    const times = loaded();
    assert.deepEqual([0, 1, 29_999, 30_000, 30_001].map((now) => times.takeUnknownKid(now)), [true, false, false, true, false]);
    assert.equal(times.takeUnknownKid(-1), true, 'a clock that was set back does not prolong it');
    times.failed(100_000);
    assert.deepEqual([100_999, 101_000].map((now) => times.takeUnknownKid(now)), [false, true]);
  });

  it('has keys due that are younger than none', () => {
    assert.equal(loaded().isDue(-1), true);
  });
});
