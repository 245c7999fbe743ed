import type { createPrivateKey, createPublicKey, KeyObject } from 'node:crypto';

/** `alg` of the header. `none` is signed and verified only where it is asked for by name. */
export type Algorithm =
  | 'HS256' | 'HS384' | 'HS512'
  | 'RS256' | 'RS384' | 'RS512'
  | 'ES256' | 'ES384' | 'ES512'
  | 'PS256' | 'PS384' | 'PS512'
  | 'none';

type Unit =
  | 'Years' | 'Year' | 'Yrs' | 'Yr' | 'Y'
  | 'Weeks' | 'Week' | 'W'
  | 'Days' | 'Day' | 'D'
  | 'Hours' | 'Hour' | 'Hrs' | 'Hr' | 'H'
  | 'Minutes' | 'Minute' | 'Mins' | 'Min' | 'M'
  | 'Seconds' | 'Second' | 'Secs' | 'Sec' | 's'
  | 'Milliseconds' | 'Millisecond' | 'Msecs' | 'Msec' | 'Ms';

type UnitInAnyCase = Unit | Uppercase<Unit> | Lowercase<Unit>;

/** A number and a unit, such as `'15m'` or `'2 days'`; a number alone is in milliseconds. */
export type TimeSpan = `${number}` | `${number}${UnitInAnyCase}` | `${number} ${UnitInAnyCase}`;

export interface SignOptions {
  /** Default `HS256`. */
  algorithm?: Algorithm | undefined;
  /** `kid` of the header. */
  keyid?: string | undefined;
  /** `exp`: seconds from `iat`, or a span. */
  expiresIn?: TimeSpan | number;
  /** `nbf`: seconds from `iat`, or a span. */
  notBefore?: TimeSpan | number | undefined;
  audience?: string | string[] | undefined;
  subject?: string | undefined;
  issuer?: string | undefined;
  jwtid?: string | undefined;
  /** Writes the claims that are added into the caller's own object. */
  mutatePayload?: boolean | undefined;
  /** Leaves `iat` away. */
  noTimestamp?: boolean | undefined;
  /** Members for the header, which replace those that the options give. */
  header?: JwtHeader | undefined;
  /** How the payload's text becomes bytes. Default `utf8`. */
  encoding?: string | undefined;
  /** Takes RSA keys below 2048 bits. */
  allowInsecureKeySizes?: boolean | undefined;
  /** Takes a key whose type does not fit the algorithm. */
  allowInvalidAsymmetricKeyTypes?: boolean | undefined;
}

export interface VerifyOptions {
  /** Default: every algorithm that the key's type allows. */
  algorithms?: Algorithm[] | undefined;
  /** One of these must be among `aud`. */
  audience?: string | RegExp | [string | RegExp, ...(string | RegExp)[]] | undefined;
  /** What time it is, in seconds. Default: now. */
  clockTimestamp?: number | undefined;
  /** How far clocks may differ, in seconds. Default 0. */
  clockTolerance?: number | undefined;
  /** Answers with `{ header, payload, signature }` in place of the payload. */
  complete?: boolean | undefined;
  /** `iss` must be one of these. */
  issuer?: string | [string, ...string[]] | undefined;
  ignoreExpiration?: boolean | undefined;
  ignoreNotBefore?: boolean | undefined;
  jwtid?: string | undefined;
  /** The `nonce` claim of OpenID Connect. */
  nonce?: string | undefined;
  subject?: string | undefined;
  /** How long ago it may have been issued: seconds, or a span. */
  maxAge?: string | number | undefined;
  /** Takes a key whose type does not fit the algorithm. */
  allowInvalidAsymmetricKeyTypes?: boolean | undefined;
}

export interface DecodeOptions {
  /** Answers with `{ header, payload, signature }` in place of the payload. */
  complete?: boolean | undefined;
  /** Parses the payload whatever `typ` says. */
  json?: boolean | undefined;
}

/** The header (RFC 7515, section 4.1). */
export interface JwtHeader {
  alg: string;
  typ?: string | undefined;
  cty?: string | undefined;
  crit?: string[] | undefined;
  kid?: string | undefined;
  jku?: string | undefined;
  x5u?: string | string[] | undefined;
  'x5t#S256'?: string | undefined;
  x5t?: string | undefined;
  x5c?: string | string[] | undefined;
}

/** The claims (RFC 7519, section 4.1). */
export interface JwtPayload {
  // What JSON.parse returns, because code written against @types/jsonwebtoken reads its own claims without a cast.
  [key: string]: ReturnType<typeof JSON.parse>;
  iss?: string | undefined;
  sub?: string | undefined;
  aud?: string | string[] | undefined;
  exp?: number | undefined;
  nbf?: number | undefined;
  iat?: number | undefined;
  jti?: string | undefined;
}

/** A token taken apart. */
export interface Jwt {
  header: JwtHeader;
  payload: JwtPayload | string;
  signature: string;
}

export type Secret = string | Buffer | KeyObject | { key: string | Buffer; passphrase: string };
export type PublicKey = Parameters<typeof createPublicKey>[0];
export type PrivateKey = Parameters<typeof createPrivateKey>[0];

export type SigningKeyCallback = (error: Error | null, signingKey?: Secret | PublicKey) => void;
export type GetPublicKeyOrSecret = (header: JwtHeader, callback: SigningKeyCallback) => void;
export type SignCallback = (error: Error | null, encoded?: string) => void;
