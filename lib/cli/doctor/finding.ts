import { printable } from '../printable.js';

/** How bad it is: nothing to do; worth a look; something does not work, or will not. */
export type Status = 'ok' | 'warning' | 'problem';

/** What is looked at. The names are for machines, and stay; docs/deployment.md explains each, which a test compares. */
export const CHECKS = [
  'access',
  'permissions',
  'file-system',
  'disk',
  'log',
  'database',
  'version',
  'integrity',
  'content',
  'sessions',
  'revocations',
  'clock',
  'keys',
] as const;

export type Check = (typeof CHECKS)[number];

/** One thing that was found. */
export interface Finding {
  readonly check: Check;
  readonly status: Status;
  /** One line. Names in it come from files, so it has been made printable, as has the next. */
  readonly text: string;
  /** What to do about it. */
  readonly fix?: string;
}

export function ok(check: Check, text: string): Finding {
  return { check, status: 'ok', text: printable(text) };
}

export function warning(check: Check, text: string, fix: string): Finding {
  return { check, status: 'warning', text: printable(text), fix: printable(fix) };
}

export function problem(check: Check, text: string, fix: string): Finding {
  return { check, status: 'problem', text: printable(text), fix: printable(fix) };
}
