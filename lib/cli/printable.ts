/** Control characters, and those that turn the direction of text around: a terminal would obey them. */
const OBEYED = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

const MOST = 400;

/** A text on one line that a terminal only shows, at most 400 characters long. */
export function printable(text: string): string {
  const shown = text.slice(0, MOST + 1).replace(OBEYED, '?');
  return shown.length > MOST ? `${shown.slice(0, MOST)}...` : shown;
}

/** A number of bytes, with a unit of 1024. */
export function bytes(count: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = count < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(count) / 10));
  const value = count / 1024 ** power;
  return `${power === 0 ? String(value) : value.toFixed(1)} ${units[power] ?? ''}`;
}

/** A number with its noun: `1 session`, `2,000 sessions`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}

/** A Unix time in milliseconds; what no calendar holds is told as it is. */
export function moment(milliseconds: number): string {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? `${String(milliseconds)} ms` : date.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** A span in its largest unit that tells something. */
export function span(milliseconds: number): string {
  const [unit, length] = SPANS.find(([, least]) => milliseconds >= 2 * least) ?? ['second', 1000];
  return counted(Math.round(milliseconds / length), unit);
}

const SPANS = [['day', 86_400_000], ['hour', 3_600_000], ['minute', 60_000], ['second', 1000]] as const;

/** A path as a shell takes it. */
export function quoted(path: string): string {
  return /^[\w./@:+-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
