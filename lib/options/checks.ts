import { KeyturnError } from '../errors.js';

/** @throws KeyturnError `ERR_OPTION_INVALID` unless the value is an object whose own keys are all known (`ERR_OPTION_UNKNOWN`). */
export function checkOptions(value: unknown, where: string, known: readonly string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new KeyturnError('ERR_OPTION_INVALID', `${where} must be an object with ${known.join(', ')}`, { claim: where });
  }
  for (const name of Object.keys(value)) {
    if (known.includes(name)) continue;
    const nearest = nearestName(name, known);
    const hint = nearest === undefined ? `the options are ${known.join(', ')}` : `did you mean '${nearest}'?`;
    throw new KeyturnError('ERR_OPTION_UNKNOWN', `${where} has no option '${name.slice(0, 64)}'; ${hint}`, { claim: name });
  }
}

/** @throws KeyturnError `ERR_OPTION_INVALID` unless the option is a function. */
export function checkFunction(options: object, option: string, example: string): void {
  if (typeof (options as Readonly<Record<string, unknown>>)[option] === 'function') return;
  throw new KeyturnError('ERR_OPTION_INVALID', `${option} must be a function, for instance ${example}`, { claim: option });
}

/** The known name that is at most two typing mistakes away, or differs in case alone. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const typed = name.slice(0, 64).toLowerCase();
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(typed, candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= 2 ? best.candidate : undefined;
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
