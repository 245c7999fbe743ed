const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const UNITS: ReadonlyMap<string, number> = new Map(
  (
    [
      [1, ['', 'ms', 'msec', 'msecs', 'millisecond', 'milliseconds']],
      [SECOND, ['s', 'sec', 'secs', 'second', 'seconds']],
      [MINUTE, ['m', 'min', 'mins', 'minute', 'minutes']],
      [HOUR, ['h', 'hr', 'hrs', 'hour', 'hours']],
      [DAY, ['d', 'day', 'days']],
      [7 * DAY, ['w', 'week', 'weeks']],
      [365.25 * DAY, ['y', 'yr', 'yrs', 'year', 'years']],
    ] as const
  ).flatMap(([milliseconds, names]) => names.map((name) => [name, milliseconds] as const)),
);

const MAX_LENGTH = 100;

/**
 * The time, in seconds, that lies `span` after `from`: a number of seconds, or text such as `'1d'`, of which a number alone
 * is in milliseconds. Text gives whole seconds, rounded down. `undefined`: it is neither.
 */
export function timeAfter(span: unknown, from: number): number | undefined {
  if (typeof span === 'number') return from + span;
  if (typeof span !== 'string') return undefined;
  const milliseconds = parseSpan(span);
  return milliseconds === undefined ? undefined : Math.floor(from + milliseconds / 1000);
}

/** What is said of an option that is neither. */
export function badSpan(option: 'expiresIn' | 'notBefore'): Error {
  return new Error(`"${option}" should be a number of seconds or string representing a timespan eg: "1d", "20h", 60`);
}

function parseSpan(text: string): number | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const [, number, unit] = /^(-?\d*\.?\d+) *([a-z]*)$/i.exec(text) ?? [];
  const milliseconds = unit === undefined ? undefined : UNITS.get(unit.toLowerCase());
  return number === undefined || milliseconds === undefined ? undefined : Number.parseFloat(number) * milliseconds;
}
