import type { ServerResponse } from 'node:http';
import { parse } from 'node:url';

import { handOn } from './hand-on.js';
import type { ExpressRequest, Next } from './request.js';

/** A path, or a path with the methods for which it counts; without any it counts for all. */
export type Path = string | RegExp | { url: string | RegExp; method?: string; methods?: string | string[] };

/** Which requests go past a middleware: those that any of these applies to, or for which the function says true. */
export type UnlessParams =
  | {
      method?: string | string[];
      path?: Path | Path[];
      /** How the path ends, such as `.css`. */
      ext?: string | string[];
      /** Whether the path is taken from the target as it was sent (the default), or below the router's mount point. */
      useOriginalUrl?: boolean;
      custom?: RequestChecker;
    }
  | RequestChecker;

/** Written as a method, so that a function which asks for Express's own `Request` fits. */
type RequestChecker = { call(req: ExpressRequest): boolean | Promise<boolean> }['call'];

type Middleware = (req: ExpressRequest, res: ServerResponse, next: Next) => unknown;

/** Does what the npm package `express-unless` 2 does: a middleware that is left out for some requests. Called as a method of the middleware. */
export function unless(options: UnlessParams): {
  (req: ExpressRequest, res: ServerResponse, next: Next): Promise<void>;
  unless: typeof unless;
};
export function unless(this: Middleware, options: UnlessParams): Middleware {
  const rules = typeof options === 'function' ? { custom: options } : options;
  const useOriginalUrl = rules.useOriginalUrl === undefined || rules.useOriginalUrl;
  const result = async (req: ExpressRequest, res: ServerResponse, next: Next): Promise<void> => {
    const path = pathOf(req, useOriginalUrl);
    const isLeftOut =
      (rules.custom && (await rules.custom(req))) ||
      listOf(rules.path).some((rule) => matches(rule, path, req.method)) ||
      listOf(rules.ext).some((ending) => path?.slice(-ending.length) === ending) ||
      listOf(rules.method).includes(req.method);
    if (isLeftOut) return handOn(next);
    this(req, res, next);
  };
  return Object.assign(result, { unless });
}

/**
 * The older parser, because rules are written for what it makes of a target: it resolves no dots and decodes nothing. A
 * target without a path fits no rule.
 */
function pathOf(req: ExpressRequest, useOriginalUrl: boolean): string | null {
  const target = (useOriginalUrl ? req.originalUrl : req.url) || req.url || '';
  return parse(target, true).pathname;
}

function matches(rule: Path, path: string | null, method: string): boolean {
  if (typeof rule === 'string' || rule instanceof RegExp) return matchesUrl(rule, path);
  const methods = rule.method || rule.methods;
  return matchesUrl(rule.url, path) && (methods === undefined || listOf(methods).includes(method));
}

function matchesUrl(url: unknown, path: string | null): boolean {
  // Not `test`, which moves a global expression's place in the text from request to request.
  return url instanceof RegExp ? path !== null && path.match(url) !== null : typeof url === 'string' && url === path;
}

function listOf<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}
