/**
 * Puts a value where a path such as `auth.user` or `users[0].claims` points, from the request on. What lies on the way and
 * is no object is replaced by a new one: an array where the next step is an index.
 */
export function setProperty(request: object, path: string, value: unknown): void {
  const steps = path.split(/[.[\]]+/).filter((step) => step !== '');
  let holder = request as Record<string, unknown>;
  for (const [index, step] of steps.slice(0, -1).entries()) {
    const next = holder[step];
    const deeper = isObject(next) ? next : isIndex(steps[index + 1]) ? [] : {};
    holder[step] = deeper;
    holder = deeper as Record<string, unknown>;
  }
  // A path without a step names the property `undefined`, in the package that this one replaces as well.
  holder[String(steps.at(-1))] = value;
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

function isIndex(step: string | undefined): boolean {
  const index = Number(step);
  return Number.isInteger(index) && index >= 0 && index < 2 ** 31;
}
