import { isBoolean, isNumber, isPlainObject, isString } from './kinds.js';
import type { SignOptions } from './types.js';

/** @throws Error that names the first option that is unknown or has a value of the wrong kind. */
export function checkSignOptions(options: unknown): void {
  if (!isPlainObject(options)) throw new Error('Expected "options" to be a plain object.');
  for (const name of Object.keys(options)) {
    const rule = OPTIONS[name];
    if (rule === undefined) throw new Error(`"${name}" is not allowed in "options"`);
    judge(rule, options[name]);
  }
}

/**
 * Whether what the options add merely joins the claims: none of these is one that they set, and nothing says how the claims
 * become JSON.
 *
 * @throws Error that names the first registered time among the claims that is no number.
 */
export function checkPayload(payload: unknown, options: SignOptions): boolean {
  if (!isPlainObject(payload)) throw new Error('Expected "payload" to be a plain object.');
  let isApart = payload['toJSON'] === undefined;
  for (const name of Object.keys(payload)) {
    if (!KNOWN.has(name)) continue;
    const option = SETTERS.get(name);
    if (name === 'iat' || (option !== undefined && options[option] !== undefined)) isApart = false;
    const rule = CLAIMS[name];
    if (rule !== undefined) judge(rule, payload[name]);
  }
  return isApart;
}

interface Rule {
  readonly isValid: (value: unknown) => unknown;
  readonly message: string;
}

const ALGORITHMS: readonly unknown[] = [
  'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'HS256', 'HS384', 'HS512', 'none',
];

const isSpan = (value: unknown): unknown => Number.isInteger(value) || (isString(value) && value);
const span = (name: string): Rule => ({
  isValid: isSpan,
  message: `"${name}" should be a number of seconds or string representing a timespan`,
});
const string = (name: string): Rule => ({ isValid: isString, message: `"${name}" must be a string` });
const boolean = (name: string): Rule => ({ isValid: isBoolean, message: `"${name}" must be a boolean` });
const time = (name: string): Rule => ({ isValid: isNumber, message: `"${name}" should be a number of seconds` });

// Plain objects on purpose: a claim or an option that is called as a member of Object.prototype is called finds that
// member and fails, as it does in the package that this one stands for.
const OPTIONS: Readonly<Record<string, Rule>> = {
  expiresIn: span('expiresIn'),
  notBefore: span('notBefore'),
  audience: { isValid: (value) => isString(value) || Array.isArray(value), message: '"audience" must be a string or array' },
  algorithm: { isValid: (value) => ALGORITHMS.includes(value), message: '"algorithm" must be a valid string enum value' },
  header: { isValid: isPlainObject, message: '"header" must be an object' },
  encoding: string('encoding'),
  issuer: string('issuer'),
  subject: string('subject'),
  jwtid: string('jwtid'),
  noTimestamp: boolean('noTimestamp'),
  keyid: string('keyid'),
  mutatePayload: boolean('mutatePayload'),
  allowInsecureKeySizes: boolean('allowInsecureKeySizes'),
  allowInvalidAsymmetricKeyTypes: boolean('allowInvalidAsymmetricKeyTypes'),
};

const CLAIMS: Readonly<Record<string, Rule>> = { iat: time('iat'), exp: time('exp'), nbf: time('nbf') };

/** The options that set claims. */
const SETTERS: ReadonlyMap<string, keyof SignOptions> = new Map([
  ['nbf', 'notBefore'], ['exp', 'expiresIn'], ['aud', 'audience'], ['iss', 'issuer'], ['sub', 'subject'], ['jti', 'jwtid'],
]);

/** The claims that have a rule or can be set, and those that find what is no rule and fail. */
const KNOWN: ReadonlySet<string> = new Set([...Object.keys(CLAIMS), ...SETTERS.keys(), ...Object.getOwnPropertyNames(Object.prototype)]);

// What it calls the rule is in the message of the TypeError for what is no rule.
function judge(validator: Rule, value: unknown): void {
  if (!validator.isValid(value)) throw new Error(validator.message);
}
