/**
 * What is said of something that an application's function threw. Anything can be thrown, also what has no text and fails when
 * it is asked for one, and an object may hold what no message must show.
 */
export function thrownText(thrown: unknown): string {
  if (thrown instanceof Error) return String(thrown);
  return typeof thrown === 'string' ? thrown : `a value of type ${typeof thrown}`;
}
