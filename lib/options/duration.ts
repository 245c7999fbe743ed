import { KeyturnError } from '../errors.js';

/** A length of time: a number of seconds, or a string such as `'500ms'`, `'30s'`, `'15m'`, `'12h'`, `'7d'`. */
export type Duration = number | string;

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Nothing that keyturn times lasts longer: ten years. */
const MAX_MS = 3650 * 86_400_000;

/**
 * A duration in milliseconds.
 *
 * @throws KeyturnError `ERR_OPTION_INVALID`, naming `option` and the forms that do.
 */
export function parseDuration(value: unknown, option: string): number {
  const ms = milliseconds(value);
  if (ms === undefined || !Number.isFinite(ms) || ms < 0 || ms > MAX_MS) {
    throw new KeyturnError(
      'ERR_OPTION_INVALID',
      `${option} must be a number of seconds or a string such as '15m' (units ms, s, m, h, d), at most 3650d`,
      { claim: option },
    );
  }
  return ms;
}

function milliseconds(value: unknown): number | undefined {
  if (typeof value === 'number') return Math.round(value * 1000);
  const match = typeof value === 'string' ? /^([0-9]{1,12})(ms|s|m|h|d)$/.exec(value) : null;
  return match === null ? undefined : Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? NaN);
}
