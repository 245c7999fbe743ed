import { KeyturnError } from '../errors.js';
import type { NativeRefresh } from '../native.js';
import { checkOptions } from '../options/checks.js';
import { optionalString } from '../options/strings.js';
import { contextOf } from './sign-in.js';
import type { RefreshOptions } from './types.js';

const OPTIONS = ['activity', 'accessToken', 'context', 'address'] as const satisfies readonly (keyof RefreshOptions)[];

/** A refresh as the addon takes it. @throws KeyturnError `ERR_OPTION_INVALID`, `ERR_OPTION_UNKNOWN` or `ERR_REFRESH_INVALID`. */
export function refreshRequest(refreshToken: string, options: Readonly<RefreshOptions>): NativeRefresh {
  checkOptions(options, 'refresh()', OPTIONS);
  const report = activityReport(options.activity);
  const address = optionalString(options.address, 'address');
  const accessToken = optionalString(options.accessToken, 'accessToken');
  requireToken(refreshToken);
  // Member by member: an object that is spread gets a hidden class of its own each time.
  const request: NativeRefresh = { token: refreshToken };
  if (options.context !== undefined) Object.assign(request, contextOf(options.context));
  if (report !== undefined) request.report = report;
  if (address !== undefined) request.origin = address;
  if (accessToken !== undefined) request.accessToken = accessToken;
  return request;
}

/** @throws KeyturnError `ERR_REFRESH_INVALID` */
export function requireToken(refreshToken: unknown): void {
  if (typeof refreshToken !== 'string') throw new KeyturnError('ERR_REFRESH_INVALID', 'The refresh token is not valid.');
}

function activityReport(activity: unknown): number | undefined {
  if (activity === undefined) return undefined;
  if (typeof activity === 'number' && activity >= 0) return activity;
  throw new KeyturnError('ERR_OPTION_INVALID', 'activity must be the milliseconds since the last input', { claim: 'activity' });
}
