/** Random numbers that come again with the same seed (mulberry32), so that a failure can be repeated. */
export interface RandomSource {
  /** For the message of a failure. */
  readonly seed: number;
  /** A whole number from 0 to below `limit`. */
  below(limit: number): number;
  /** One of these. */
  pick<T>(list: readonly T[]): T;
}

/** A source with a new seed, or with the one in KEYTURN_SEED. */
export function randomSource(): RandomSource {
  const seed = Number(process.env['KEYTURN_SEED'] ?? Date.now()) >>> 0;
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    seed,
    below,
    pick<T>(list: readonly T[]): T {
      const one = list[below(list.length)];
      if (one === undefined) throw new Error('There is nothing to pick from.');
      return one;
    },
  };
}

/** Names and strings that have been trouble somewhere: escapes, controls, every plane of Unicode, names of Object.prototype. */
const TEXTS = [
  '', ' ', 'a', 'constructor', 'toString', 'hasOwnProperty', 'prototype', '__proto', '"', '\\', '/', '\b\f\n\r\t', '\0', '\u001f',
  '\u007f', '\u0080', '\u00e9', '\u0141', '\u2028\u2029', '\ufeff', '\ufffd', '\uffff', '\u{1f600}', '\u{10ffff}', 'e\u0301',
  '\u202e', '</script>', '${x}', 'x'.repeat(300), '0', '-1', 'null', '[]', 'iss ', 'Exp',
];

const NUMBERS = [
  0, -0, 1, -1, 0.1, -1.5, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, 2 ** 53, 2 ** 53 - 1, -(2 ** 53), 4294967296, 0.30000000000000004,
];

/** An object of random JSON data, nested at most `depth` deep. No registered claim is among its names. */
export function randomObject(random: RandomSource, depth = 5): Record<string, unknown> {
  const members = Array.from({ length: random.below(7) }, () => [random.pick(TEXTS), randomValue(random, depth - 1)]);
  return Object.fromEntries(members) as Record<string, unknown>;
}

function randomValue(random: RandomSource, depth: number): unknown {
  switch (random.below(depth > 0 ? 7 : 5)) {
    case 0:
      return random.pick(NUMBERS);
    case 1:
      return random.below(2 ** 31) / random.pick([1, 3, 1000, 1e-9]);
    case 2:
      return random.pick([true, false, null]);
    case 3:
      return random.pick(TEXTS) + random.pick(TEXTS);
    case 4:
      return randomText(random);
    case 5:
      return Array.from({ length: random.below(5) }, () => randomValue(random, depth - 1));
    default:
      return randomObject(random, depth);
  }
}

/** Characters from everywhere, whole ones only. */
function randomText(random: RandomSource): string {
  return Array.from({ length: random.below(12) }, () => {
    const point = random.below(random.pick([0x80, 0x800, 0x1_0000, 0x11_0000]));
    return point >= 0xd800 && point < 0xe000 ? '\ufffd' : String.fromCodePoint(point);
  }).join('');
}
