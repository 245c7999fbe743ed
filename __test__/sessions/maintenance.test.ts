import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { ClockWatch } from '../../dist/sessions/clock-watch.js';
import { Maintenance } from '../../dist/sessions/maintenance.js';

class FakeNative {
  readonly calls: { readonly forget: number; readonly now: number }[] = [];
  comparisons = 0;
  settle: (() => void) | undefined;
  isNearlyFull = false;
  keysUnreadable = false;
  waitingDropped = 0;
  /** How many steps the next round over the revocations takes. */
  steps = 1;
  stepped = 0;

  storeTime(): Promise<object> {
    this.comparisons += 1;
    return Promise.resolve({ failure: { error: 0 } });
  }

  gauges(): { revocations: number; revocationsNearlyFull: boolean; keysUnreadable: boolean; waitingDropped: number } {
    const { isNearlyFull: revocationsNearlyFull, keysUnreadable, waitingDropped } = this;
    return { revocations: 8, revocationsNearlyFull, keysUnreadable, waitingDropped };
  }

  expire(): boolean {
    this.stepped += 1;
    return this.stepped % this.steps === 0;
  }

  maintain(forget: number, now: number): Promise<{ failure?: never }> {
    this.calls.push({ forget, now });
    return new Promise((resolve) => {
      this.settle = () => {
        resolve({});
      };
    });
  }
}

function maintenance(native: FakeNative, idleMs: number): Maintenance {
  const handle = native as unknown as ConstructorParameters<typeof Maintenance>[0];
  return new Maintenance(handle, idleMs, new ClockWatch(handle));
}

describe('maintenance', () => {
  it('does not begin after its end, as it would for sessions that are closed while they open', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: 1_800_000_000_000 });
    const native = new FakeNative();
    const upkeep = maintenance(native, 10);
    await upkeep.stop();
    upkeep.start();
    t.mock.timers.tick(1000);
    assert.deepEqual(native.calls, []);
  });

  it('runs every five seconds, or ten times in a shorter idle limit', (t) => {
    t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: 1_800_000_000_000 });
    for (const [idleMs, everyMs] of [[3_600_000, 5000], [20_000, 2000], [10, 100]] as const) {
      const native = new FakeNative();
      maintenance(native, idleMs).start();
      t.mock.timers.tick(everyMs - 1);
      assert.equal(native.calls.length, 0);
      t.mock.timers.tick(1);
      assert.equal(native.calls.length, 1);
    }
  });

  it('warns each time that other processes begin to store keys which this one cannot read', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: 1_800_000_000_000 });
    const warn = t.mock.method(process, 'emitWarning', () => undefined);
    const native = new FakeNative();
    const running = maintenance(native, 3_600_000);
    running.start();
    for (const keysUnreadable of [false, true, true, false, true]) {
      native.keysUnreadable = keysUnreadable;
      t.mock.timers.tick(5000);
      native.settle?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await running.stop();
    assert.equal(warn.mock.callCount(), 2);
    assert.match(String(warn.mock.calls[0]?.arguments[0]), /masterKey/);
  });

  it('warns each time that revocations begin to be too many to be kept for a store that is away', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: 1_800_000_000_000 });
    const warn = t.mock.method(process, 'emitWarning', () => undefined);
    const native = new FakeNative();
    const running = maintenance(native, 3_600_000);
    running.start();
    for (const waitingDropped of [0, 1, 2, 2, 2, 3]) {
      native.waitingDropped = waitingDropped;
      t.mock.timers.tick(5000);
      native.settle?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await running.stop();
    assert.equal(warn.mock.callCount(), 2);
    assert.match(String(warn.mock.calls[0]?.arguments[0]), /repeat them/);
  });

  it('warns once when the revocation index is nearly full', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: 1_800_000_000_000 });
    const warn = t.mock.method(process, 'emitWarning', () => undefined);
    const native = new FakeNative();
    native.isNearlyFull = true;
    const running = maintenance(native, 3_600_000);
    running.start();
    for (let turn = 0; turn < 3; turn += 1) {
      t.mock.timers.tick(5000);
      native.settle?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await running.stop();
    assert.equal(native.comparisons, 3, 'each turn ends with a look at the clock');
    assert.equal(warn.mock.callCount(), 1);
    assert.match(String(warn.mock.calls[0]?.arguments[0]), /8 entries/);
  });

  it('goes over all revocations in small steps every fifteen seconds, and lets the event loop run between them', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: 1_800_000_000_000 });
    let steady = 0;
    t.mock.method(performance, 'now', () => steady);
    const native = new FakeNative();
    native.steps = 3;
    const running = maintenance(native, 3_600_000);
    running.start();
    const stepped: number[] = [];
    for (let turn = 0; turn < 4; turn += 1) {
      steady += 5000;
      t.mock.timers.tick(5000);
      native.settle?.();
      for (let tick = 0; tick < 4; tick += 1) await new Promise((resolve) => setImmediate(resolve));
      stepped.push(native.stepped);
    }
    assert.deepEqual(stepped, [3, 3, 3, 6]);
    native.steps = Number.POSITIVE_INFINITY;
    t.mock.timers.tick(15_000);
    steady += 15_000;
    native.settle?.();
    await running.stop();
    assert.ok(native.stepped < 100, 'a stop ends the round');
  });

  it('forgets nothing until a clock that was set, forward or back, has been left alone for half an hour', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: 1_800_000_000_000 });
    let steady = 0;
    t.mock.method(performance, 'now', () => steady);
    const native = new FakeNative();
    const running = maintenance(native, 3_600_000);
    running.start();
    /** Turns of the wall clock, which goes on by five seconds each; what jumps is how far it is from the steady one. */
    const forgets = async (turns: number, moved = 0) => {
      const before = native.calls.length;
      steady -= moved;
      for (let turn = 0; turn < turns; turn += 1) {
        steady += 5000;
        t.mock.timers.tick(5000);
        await new Promise((resolve) => setImmediate(resolve));
        native.settle?.();
        await new Promise((resolve) => setImmediate(resolve));
      }
      const kinds = new Set(native.calls.slice(before).map(({ forget }) => forget !== 0));
      assert.equal(native.calls.length, before + turns);
      return [...kinds];
    };
    const halfAnHour = 360;
    assert.deepEqual(await forgets(1), [true]);
    for (const moved of [3_600_000, -3_600_000]) {
      assert.deepEqual(await forgets(halfAnHour, moved), [false], 'the first turn is the one that notices');
      assert.deepEqual(await forgets(1), [true]);
    }
    assert.deepEqual(await forgets(10, 3_600_000), [false]);
    assert.deepEqual(await forgets(halfAnHour, -3_600_000), [false], 'set right, and the count begins anew');
    assert.deepEqual(await forgets(1), [true]);
    await running.stop();
  });

  it('asks the store for the time before it stores anything in a turn in which the clock was set', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: 1_800_000_000_000 });
    let steady = 0;
    t.mock.method(performance, 'now', () => steady);
    const native = new FakeNative();
    const running = maintenance(native, 3_600_000);
    running.start();
    steady -= 3_600_000;
    t.mock.timers.tick(5000);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([native.comparisons, native.calls.length], [1, 1]);
    native.settle?.();
    await running.stop();
    assert.equal(native.comparisons, 2);
  });

  it('waits for a batch under way before it begins another, and purges once a minute', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: 1_800_000_000_000 });
    const native = new FakeNative();
    let steady = 0;
    t.mock.method(performance, 'now', () => steady);
    const running = maintenance(native, 3_600_000);
    running.start();
    steady += 15_000;
    t.mock.timers.tick(15_000);
    assert.equal(native.calls.length, 1);
    for (let turn = 0; turn < 13; turn += 1) {
      native.settle?.();
      await new Promise((resolve) => setImmediate(resolve));
      steady += 5000;
      t.mock.timers.tick(5000);
    }
    assert.equal(native.calls.filter(({ forget }) => forget === 2).length, 2);
    native.settle?.();
    await running.stop();
    t.mock.timers.tick(60_000);
    assert.equal(native.calls.length, 14);
  });
});
