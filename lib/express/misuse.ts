import { KeyturnError } from '../errors.js';

/**
 * Throws when a factory is handed to a router in place of what it makes: `app.use(auth.requireAuth)` calls it with a request,
 * and would never call `next`. The compiler cannot see this mistake, for a function that returns one is a handler to it.
 */
export function refuseRequest(factory: string, args: readonly unknown[]): void {
  if (!args.some(isRequest)) return;
  throw new KeyturnError(
    'ERR_OPTION_INVALID',
    `auth.${factory} makes the handler and is not one itself: write auth.${factory}(...) where you wrote auth.${factory}`,
  );
}

/** As {@link refuseRequest}, for a factory without parameters. */
export function refuseArguments(factory: string, args: readonly unknown[], hint = ''): void {
  refuseRequest(factory, args);
  if (args.length === 0) return;
  throw new KeyturnError('ERR_OPTION_INVALID', `auth.${factory}() takes no arguments${hint}`);
}

function isRequest(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'headers' in value && 'socket' in value;
}
