import type { IncomingMessage } from 'node:http';

import { oneOf } from '../options/strings.js';

/** Milliseconds with at most 10 digits: 115 days, beyond every session. */
const REPORT = /^[0-9]{1,10}$/;

/**
 * The client's report of its user's last input, `X-Keyturn-Activity`, in milliseconds before now; `undefined` without a
 * header, or with one that is not a plain number. Sessions clamp it: a report never revives anything.
 */
export function reportedActivity(req: IncomingMessage): number | undefined {
  const header = req.headers['x-keyturn-activity'];
  return typeof header === 'string' && REPORT.test(header) ? Number(header) : undefined;
}

/** What shows that a user is there: every request that does not say otherwise, or only the client's reports. */
export type ActivityMode = 'requests' | 'reported';

/** @throws KeyturnError `ERR_OPTION_INVALID` for anything but a mode. */
export function parseActivityMode(mode: unknown = 'requests'): ActivityMode {
  return oneOf(mode, 'activity', ['requests', 'reported']);
}

/**
 * How long before now a request shows its user to have been active: as reported; without a report 0 where requests count. A
 * request marked `X-Keyturn-Background: 1` and one with an unreadable report show nothing: `undefined`.
 */
export function activityOf(req: IncomingMessage, mode: ActivityMode): number | undefined {
  if (req.headers['x-keyturn-activity'] !== undefined) return reportedActivity(req);
  return mode === 'reported' || req.headers['x-keyturn-background'] === '1' ? undefined : 0;
}
