import assert from 'node:assert/strict';
import { inspect } from 'node:util';

import npm from 'jsonwebtoken';
import * as ours from 'keyturn/jsonwebtoken';

/** A function of either package, as a program without types calls it. */
export type Untyped = (...args: unknown[]) => unknown;

export interface Package {
  readonly sign: Untyped;
  readonly verify: Untyped;
  readonly decode: Untyped;
}

export const PACKAGES = { npm: npm as unknown as Package, ours: ours as unknown as Package } as const;

/** What a call did: everything that a caller can see of it. */
export type Outcome = Readonly<Record<string, unknown>>;

/** What a call returned or threw. */
export function outcomeOf(call: () => unknown): Outcome {
  try {
    return { returned: call() };
  } catch (error) {
    return { threw: described(error) };
  }
}

/**
 * What a call with a callback did: what it returned or threw, and each call of the callback with its arguments and whether
 * it came before the function had returned, within the tick after it, or later.
 */
export async function callbackOutcomeOf(call: (callback: Untyped) => unknown): Promise<Outcome> {
  const calls: unknown[] = [];
  let phase = 'at once';
  const outcome = outcomeOf(() =>
    call((...args) => {
      calls.push([phase, ...args.map((arg) => (arg instanceof Error ? described(arg) : arg))]);
      return 'what the callback returned';
    }),
  );
  phase = 'in the next tick';
  await new Promise((resolve) => process.nextTick(resolve));
  phase = 'later';
  await new Promise((resolve) => setImmediate(resolve));
  return { ...outcome, calls };
}

/** An error with everything that a program may look at but its stack. */
export function described(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code } = error as { readonly code?: unknown };
  const classes: unknown[] = [];
  for (let of: unknown = Object.getPrototypeOf(error); of !== null; of = Object.getPrototypeOf(of)) classes.push((of as object).constructor.name);
  return { classes, name: error.name, message: error.message, fields: Object.entries(error).map(([key, value]) => [key, value instanceof Date ? value.getTime() : (value as unknown)]), code, json: JSON.stringify(error) };
}

/** Fails unless both packages do the same. */
export function assertSame(what: () => string, call: (of: Package) => unknown, normalise: (outcome: Outcome) => Outcome = (same) => same): Outcome {
  const expected = normalise(outcomeOf(() => call(PACKAGES.npm)));
  const actual = normalise(outcomeOf(() => call(PACKAGES.ours)));
  assertEqual(actual, expected, what);
  return expected;
}

/** Fails unless both packages do the same with a callback. */
export async function assertSameCallback(what: () => string, call: (of: Package, callback: Untyped) => unknown): Promise<Outcome> {
  const expected = await callbackOutcomeOf((callback) => call(PACKAGES.npm, callback));
  const actual = await callbackOutcomeOf((callback) => call(PACKAGES.ours, callback));
  assertEqual(actual, expected, what);
  return expected;
}

/** Text for the message of a failure. */
export function shown(value: unknown): string {
  return inspect(value, { depth: 3, breakLength: Infinity, maxStringLength: 120 });
}

function assertEqual(actual: Outcome, expected: Outcome, what: () => string): void {
  try {
    assert.deepStrictEqual(actual, expected);
  } catch {
    assert.fail(`${what()}\nnpm's jsonwebtoken: ${shown(expected)}\nkeyturn's:          ${shown(actual)}`);
  }
}
