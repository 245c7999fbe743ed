import { KeyturnError } from '../errors.js';
import type { NativeSessions } from '../native.js';
import { checkOptions } from '../options/checks.js';
import { isWellFormed, optionalNames, optionalString, requiredString } from '../options/strings.js';
import type { CarriedClaims, StartOptions } from './types.js';

type NativeSignIn = Parameters<NativeSessions['start']>[0];
type NativeClaims = Pick<NativeSignIn, 'roles' | 'permissions' | 'claims'>;

/** A sign-in as the addon takes it. @throws KeyturnError `ERR_OPTION_INVALID`, `ERR_OPTION_UNKNOWN` or `ERR_CLAIMS_INVALID`. */
export function signIn(options: Readonly<StartOptions>): NativeSignIn {
  checkOptions(options, 'start()', ['subject', 'roles', 'permissions', 'claims', 'device', 'context']);
  const device = optionalString(options.device, 'device');
  return {
    subject: requiredString(options.subject, 'subject', "{ subject: 'alice' }"),
    ...carriedParts(options),
    ...(device === undefined ? {} : { device }),
    ...contextOf(options.context),
  };
}

/** What a session carries from token to token, as the addon takes it. @throws KeyturnError `ERR_OPTION_INVALID`, `ERR_CLAIMS_INVALID`. */
export function carriedParts({ roles, permissions, claims }: Readonly<CarriedClaims>): NativeClaims {
  return {
    ...optionalNames(roles, 'roles'),
    ...optionalNames(permissions, 'permissions'),
    ...(claims === undefined ? {} : { claims: claimsText(claims) }),
  };
}

/** What a session is bound to; an empty string is one too. @throws KeyturnError `ERR_OPTION_INVALID`. */
export function contextOf(context: unknown): { context?: string } {
  if (context === undefined) return {};
  if (typeof context === 'string' && isWellFormed(context)) return { context };
  throw new KeyturnError('ERR_OPTION_INVALID', 'context must be a string of whole characters', { claim: 'context' });
}

function claimsText(claims: unknown): string {
  const text = typeof claims === 'object' && claims !== null ? (JSON.stringify(claims) as string | undefined) : undefined;
  if (text !== undefined) return text;
  throw new KeyturnError('ERR_CLAIMS_INVALID', 'claims must be an object that JSON can hold', { claim: 'claims' });
}
