import { badSpan, timeAfter } from './time-span.js';
import type { SignOptions } from './types.js';

/** The claims of a token that is being made. */
export type Claims = Record<string, unknown>;

/** Sets or removes `iat`, and sets `nbf` and `exp` from the options. What is wrong with them comes back. */
export function addTimes(claims: Claims, options: SignOptions): Error | undefined {
  const issued = (claims['iat'] || Math.floor(Date.now() / 1000)) as number;
  if (options.noTimestamp) Reflect.deleteProperty(claims, 'iat');
  else put(claims, 'iat', issued, options);
  return addTime(claims, 'nbf', 'notBefore', options, issued) ?? addTime(claims, 'exp', 'expiresIn', options, issued);
}

/** Sets `aud`, `iss`, `sub` and `jti` from the options, and tells of each one that the claims have already. */
export function addNames(claims: Claims, options: SignOptions, tell: (error: Error) => void): void {
  for (const [option, claim] of NAMES) {
    if (options[option] === undefined) continue;
    if (claims[claim] === undefined) put(claims, claim, options[option], options);
    else tell(new Error(`Bad "options.${option}" option. The payload already has an "${claim}" property.`));
  }
}

const NAMES = [['audience', 'aud'], ['issuer', 'iss'], ['subject', 'sub'], ['jwtid', 'jti']] as const;

function addTime(claims: Claims, claim: string, option: 'expiresIn' | 'notBefore', options: SignOptions, issued: number): Error | undefined {
  const span = options[option];
  if (span === undefined) return undefined;
  put(claims, claim, timeAfter(span, issued), options);
  if (claims[claim] !== undefined) return undefined;
  return badSpan(option);
}

function put(claims: Claims, claim: string, value: unknown, { mutatePayload }: SignOptions): void {
  // An object of the caller's own may be frozen: then nothing is written, and nobody is told.
  if (mutatePayload) Reflect.set(claims, claim, value);
  else claims[claim] = value;
}
