import { KeyturnError } from 'keyturn';

/** What the demo is told by its environment. Durations are seconds, or strings such as `15m`. */
export interface Environment {
  /** 0 picks a free one. */
  readonly port: number;
  readonly store: string;
  readonly accessTtl: Duration | undefined;
  readonly idle: Duration | undefined;
  readonly absolute: Duration | undefined;
  readonly grace: Duration | undefined;
  readonly loginLimit: string | undefined;
  /** Seals the keys in the store; the previous one opens what it sealed while the key is being changed. */
  readonly masterKey: { readonly current: string; readonly previous: string | undefined } | undefined;
}

type Duration = number | string;

/** The variables that become options of `createAuth`, and what those are called in its messages. */
const OPTION_OF = {
  KEYTURN_ABSOLUTE: 'absolute',
  KEYTURN_ACCESS_TTL: 'access.ttl',
  KEYTURN_GRACE: 'refresh.grace',
  KEYTURN_IDLE: 'idle',
  KEYTURN_LOGIN_LIMIT: 'loginLimit',
  KEYTURN_MASTER_KEY: 'masterKey',
  KEYTURN_STORE: 'store',
} as const;

/** @throws KeyturnError `ERR_OPTION_INVALID`, naming the variable and what it takes. Ranges are judged by `createAuth`. */
export function readEnvironment(variables: Readonly<NodeJS.ProcessEnv>): Environment {
  const duration = (name: keyof typeof OPTION_OF): Duration | undefined => {
    const value = variables[name];
    if (value === undefined) return undefined;
    if (/^[0-9]{1,9}$/.test(value)) return Number(value);
    if (/^[0-9]{1,9}(?:ms|s|m|h|d)$/.test(value)) return value;
    throw invalid(`${name} must be a duration such as 15m, or a whole number of seconds`);
  };
  return {
    port: portOf(variables['PORT'] ?? '3000'),
    store: variables['KEYTURN_STORE'] ?? 'sqlite:./data/keyturn.db',
    accessTtl: duration('KEYTURN_ACCESS_TTL'),
    idle: duration('KEYTURN_IDLE'),
    absolute: duration('KEYTURN_ABSOLUTE'),
    grace: duration('KEYTURN_GRACE'),
    loginLimit: variables['KEYTURN_LOGIN_LIMIT'],
    masterKey: masterKeyOf(variables),
  };
}

/** The variables behind the options that a message of `createAuth` names; none if it is one of {@link readEnvironment}. */
export function variablesIn(message: string): readonly string[] {
  if (/PORT|KEYTURN_/.test(message)) return [];
  const words = message.split(/[^A-Za-z.]+/).map((word) => word.replace(/\.$/, ''));
  return Object.entries(OPTION_OF).flatMap(([variable, option]) => (words.includes(option) ? [variable] : []));
}

function portOf(text: string): number {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : NaN;
  if (port <= 65_535) return port;
  throw invalid('PORT must be a number from 0 to 65535');
}

function masterKeyOf(variables: Readonly<NodeJS.ProcessEnv>): Environment['masterKey'] {
  const { KEYTURN_MASTER_KEY: current, KEYTURN_MASTER_KEY_PREVIOUS: previous } = variables;
  if (current !== undefined) return { current, previous };
  if (previous === undefined) return undefined;
  throw invalid('KEYTURN_MASTER_KEY_PREVIOUS is set, but KEYTURN_MASTER_KEY is not');
}

function invalid(message: string): KeyturnError {
  return new KeyturnError('ERR_OPTION_INVALID', message);
}
