import { KeyturnError } from '../errors.js';
import { checkOptions } from '../options/checks.js';

/** So many in such a time. */
export interface Rate {
  readonly limit: number;
  readonly windowMs: number;
}

/** `'5/1m'` (five in one minute), or the same in parts; a window without a unit is in seconds. */
export type RateOption = string | Readonly<{ limit: number; window: number | string }>;

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const MAX_LIMIT = 1_000_000;
const MAX_WINDOW_MS = 86_400_000;

/** @throws KeyturnError `ERR_OPTION_INVALID`, naming `option`. */
export function parseRate(value: unknown, option: string): Rate {
  const { limit, window } = partsOf(value, option);
  const windowMs = windowMsOf(window);
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) throw invalid(option);
  if (windowMs === undefined || windowMs < 1000 || windowMs > MAX_WINDOW_MS) throw invalid(option);
  return { limit, windowMs };
}

function partsOf(value: unknown, option: string): { readonly limit?: unknown; readonly window?: unknown } {
  if (typeof value === 'object' && value !== null) {
    checkOptions(value, option, ['limit', 'window']);
    return value;
  }
  const match = typeof value === 'string' ? /^([0-9]{1,7})\/([0-9]{0,6}[smhd])$/.exec(value) : null;
  if (match === null) return {};
  const window = match[2] ?? '';
  return { limit: Number(match[1]), window: /^[0-9]/.test(window) ? window : `1${window}` };
}

function windowMsOf(window: unknown): number | undefined {
  if (typeof window === 'number') return Math.round(window * 1000);
  const match = typeof window === 'string' ? /^([0-9]{1,6})([smhd])$/.exec(window) : null;
  return match === null ? undefined : Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? NaN);
}

function invalid(option: string): KeyturnError {
  return new KeyturnError(
    'ERR_OPTION_INVALID',
    `${option} must be a rate such as '5/1m' or { limit: 5, window: '1m' }: 1 to ${String(MAX_LIMIT)} in 1s to 1d`,
    { claim: option },
  );
}
