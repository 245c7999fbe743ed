import type { IncomingMessage } from 'node:http';

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

/**
 * How long before now a request shows its user to have been active: as reported, else 0, since a request is activity. A
 * request marked `X-Keyturn-Background: 1` and one with an unreadable report show nothing: `undefined`.
 */
export function activityOf(req: IncomingMessage): number | undefined {
  if (req.headers['x-keyturn-activity'] !== undefined) return reportedActivity(req);
  return req.headers['x-keyturn-background'] === '1' ? undefined : 0;
}
