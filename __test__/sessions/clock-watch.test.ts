import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';

import { ClockWatch } from '../../dist/sessions/clock-watch.js';

/** A store whose clock is off by `offBy`, or that has none. */
class FakeNative {
  answer: { readonly time?: number; readonly failure?: { readonly error: number } } = {};
  asked = 0;
  readonly compared: number[][] = [];
  state = 'right';

  storeTime(): Promise<FakeNative['answer']> {
    this.asked += 1;
    return Promise.resolve(this.answer);
  }

  compareClock(...times: number[]): { offBy: number; state: string } {
    this.compared.push(times);
    return { offBy: 31_000, state: this.state };
  }
}

function watch(t: TestContext) {
  t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 });
  const warnings = t.mock.method(process, 'emitWarning', () => undefined);
  const native = new FakeNative();
  const clock = new ClockWatch(native as unknown as ConstructorParameters<typeof ClockWatch>[0]);
  return { native, clock, warnings };
}

describe('clock watch', () => {
  it('asks a store without a clock once', async (t) => {
    const { native, clock } = watch(t);
    await clock.compare();
    await clock.compare();
    assert.deepEqual([native.asked, native.compared.length], [1, 0]);
  });

  it('asks again after a failure', async (t) => {
    const { native, clock } = watch(t);
    native.answer = { failure: { error: 0 } };
    await clock.compare();
    native.answer = { time: 5 };
    await clock.compare();
    assert.deepEqual(native.compared, [[5, 1_800_000_000_000, 1_800_000_000_000]]);
  });

  it('warns whenever the clock gets worse or better than it was, and not when it is right', async (t) => {
    const { native, clock, warnings } = watch(t);
    native.answer = { time: 5 };
    for (const state of ['right', 'off', 'off', 'wrong', 'wrong', 'right', 'wrong']) {
      native.state = state;
      await clock.compare();
    }
    const told = warnings.mock.calls.map(({ arguments: [message] }) => String(message).includes('no sign-in and no refresh works'));
    assert.deepEqual(told, [false, true, true]);
  });
});
