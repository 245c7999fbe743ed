import { JsonWebTokenError, NotBeforeError, TokenExpiredError } from './errors.js';
import { timeAfter } from './time-span.js';
import type { VerifySettings } from './verify-settings.js';

type Claims = Readonly<Record<string, unknown>>;

/** The first thing about the claims that is not as it must be. `now` is in seconds. */
export function claimsFault(payload: unknown, settings: VerifySettings, now: number): Error | undefined {
  const claims = payload as Claims;
  return (
    notBeforeFault(claims, settings, now) ??
    expirationFault(claims, settings, now) ??
    audienceFault(claims, settings.audience) ??
    issuerFault(claims, settings.issuer) ??
    equalityFault(claims['sub'], settings.subject, 'subject') ??
    equalityFault(claims['jti'], settings.jwtid, 'jwtid') ??
    equalityFault(claims['nonce'], settings.nonce, 'nonce') ??
    ageFault(claims, settings, now)
  );
}

function notBeforeFault(payload: Claims, settings: VerifySettings, now: number): Error | undefined {
  const nbf = payload['nbf'];
  if (nbf === undefined || settings.ignoreNotBefore) return undefined;
  if (typeof nbf !== 'number') return new JsonWebTokenError('invalid nbf value');
  return nbf > plus(now, settings) ? new NotBeforeError('jwt not active', new Date(nbf * 1000)) : undefined;
}

function expirationFault(payload: Claims, settings: VerifySettings, now: number): Error | undefined {
  const exp = payload['exp'];
  if (exp === undefined || settings.ignoreExpiration) return undefined;
  if (typeof exp !== 'number') return new JsonWebTokenError('invalid exp value');
  return now >= plus(exp, settings) ? new TokenExpiredError('jwt expired', new Date(exp * 1000)) : undefined;
}

function audienceFault(payload: Claims, wanted: unknown): Error | undefined {
  if (!wanted) return undefined;
  const audiences = listOf(wanted);
  const given = listOf(payload['aud']);
  const fits = given.some((one) => audiences.some((audience) => (audience instanceof RegExp ? audience.test(one as string) : audience === one)));
  return fits ? undefined : new JsonWebTokenError(`jwt audience invalid. expected: ${audiences.join(' or ')}`);
}

function issuerFault(payload: Claims, wanted: unknown): Error | undefined {
  if (!wanted) return undefined;
  const differs = typeof wanted === 'string' ? payload['iss'] !== wanted : Array.isArray(wanted) && wanted.indexOf(payload['iss']) < 0;
  return differs ? new JsonWebTokenError('jwt issuer invalid. expected: ' + (wanted as string)) : undefined;
}

function equalityFault(given: unknown, wanted: unknown, option: string): Error | undefined {
  if (!wanted || given === wanted) return undefined;
  return new JsonWebTokenError(`jwt ${option} invalid. expected: ` + (wanted as string));
}

function ageFault(payload: Claims, settings: VerifySettings, now: number): Error | undefined {
  const maxAge = settings.maxAge;
  if (!maxAge) return undefined;
  const iat = payload['iat'];
  if (typeof iat !== 'number') return new JsonWebTokenError('iat required when maxAge is specified');
  // An iat of 0 is taken for none, and the age counted from now.
  const end = timeAfter(maxAge, iat || Math.floor(Date.now() / 1000));
  if (end === undefined) {
    return new JsonWebTokenError('"maxAge" should be a number of seconds or string representing a timespan eg: "1d", "20h", 60');
  }
  return now >= plus(end, settings) ? new TokenExpiredError('maxAge exceeded', new Date(end * 1000)) : undefined;
}

/** With the tolerance, whatever was given for one: text is appended, as it always was. */
function plus(time: number, settings: VerifySettings): number {
  return time + ((settings.clockTolerance || 0) as number);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}
