import type { NativeContents } from '../../native.js';
import { counted, moment, span } from '../printable.js';
import { type Finding, ok, problem, warning } from './finding.js';
import { RESTORE } from './judge-file.js';

/** At ten million the index refuses to verify. */
const MANY_REVOCATIONS = 8_000_000;

/** Clocks differ by less; beyond the second, somebody set one. */
const SLIGHTLY_AHEAD = 1000;
const FAR_AHEAD = 30_000;

/** What is to be said of the sessions and revocations in a store as of `now`. */
export function judgeContents(contents: NativeContents, now: number): readonly Finding[] {
  return [sessions(contents), revocations(contents, now), clock(contents, now)];
}

function sessions({ sessions: { live, idle, ended, overdue, unreadable } }: NativeContents): Finding {
  const text = [
    counted(live, 'live session'),
    ...(idle > 0 ? [`${number(idle)} past their idle limit`] : []),
    ...(ended > 0 ? [`${number(ended)} ended`] : []),
    ...(overdue > 0 ? [`${number(overdue)} past their end, which a running keyturn deletes`] : []),
  ].join(', ');
  if (unreadable === 0) return ok('sessions', text);
  return problem('sessions', `${text}; ${number(unreadable)} cannot be read: their users cannot refresh`, RESTORE);
}

function revocations({ revocations: counts }: NativeContents, now: number): Finding {
  const { everything, key, permissions, session, subject, token, expired, unreadable, lastExpiresAt } = counts;
  const kinds = Object.entries({ everything, key, permissions, session, subject, token }).filter(([, count]) => count > 0);
  const all = kinds.reduce((sum, [, count]) => sum + count, 0);
  const parts = kinds.map(([kind, count]) => `${kind} ${number(count)}`).join(', ');
  const last = lastExpiresAt === undefined || lastExpiresAt <= now ? '' : `; the last one expires at ${moment(lastExpiresAt)}`;
  const gone = expired > 0 ? `; ${number(expired)} have expired, which a running keyturn deletes` : '';
  const text = `${counted(all, 'revocation')}${parts === '' ? '' : ` (${parts})`}${last}${gone}`;
  if (unreadable > 0) {
    return problem('revocations', `${text}; ${number(unreadable)} cannot be read, and keyturn refuses to work without them`, RESTORE);
  }
  if (all - expired <= MANY_REVOCATIONS) return ok('revocations', text);
  return warning('revocations', `${text}; at 10,000,000 nothing can be verified`, 'revoke subjects, a key or everything instead of token by token');
}

function clock({ latest }: NativeContents, now: number): Finding {
  const ahead = latest - now;
  if (latest === 0) return ok('clock', 'nothing recorded that the clock could be compared with');
  if (ahead <= SLIGHTLY_AHEAD) return ok('clock', `nothing recorded lies ahead of this host's clock; the latest is of ${moment(latest)}`);
  const text = `something recorded lies ${span(ahead)} ahead of this host's clock, at ${moment(latest)}: a clock was wrong, or is now`;
  const fix = 'set the clock by NTP; sessions from ahead end later than they should';
  return ahead > FAR_AHEAD ? problem('clock', text, fix) : warning('clock', text, fix);
}

function number(count: number): string {
  return count.toLocaleString('en-US');
}
