/**
 * What counts as a string, a number, a boolean or a plain object among options and claims. Wrapped primitives count
 * (`new String('x')`), and so do objects of another realm, such as a test runner's.
 */

export function isString(value: unknown): boolean {
  return typeof value === 'string' || (!Array.isArray(value) && tagOf(value) === '[object String]');
}

export function isNumber(value: unknown): boolean {
  return typeof value === 'number' || tagOf(value) === '[object Number]';
}

export function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean' || tagOf(value) === '[object Boolean]';
}

/** An object literal, or one without a prototype; no array and no instance of a class. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (tagOf(value) !== '[object Object]') return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  const constructor: unknown = Object.hasOwn(prototype as object, 'constructor') && (prototype as object).constructor;
  return typeof constructor === 'function' && constructor instanceof constructor && sourceOf(constructor) === OBJECT_SOURCE;
}

const OBJECT_SOURCE = sourceOf(Object);

function sourceOf(constructor: unknown): string {
  return Function.prototype.toString.call(constructor);
}

function tagOf(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null ? Object.prototype.toString.call(value) : undefined;
}
