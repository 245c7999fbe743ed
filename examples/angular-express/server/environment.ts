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
}

type Duration = number | string;

/** The variables that become options of `createAuth`, and what those are called in its messages. */
const OPTION_OF = {
  KEYTURN_ABSOLUTE: 'absolute',
  KEYTURN_ACCESS_TTL: 'access.ttl',
  KEYTURN_GRACE: 'refresh.grace',
  KEYTURN_IDLE: 'idle',
  KEYTURN_LOGIN_LIMIT: 'loginLimit',
  KEYTURN_STORE: 'store',
} as const;

/** @throws KeyturnError `ERR_OPTION_INVALID`, naming the variable and what it takes. Ranges are judged by `createAuth`. */
export function readEnvironment(variables: Readonly<NodeJS.ProcessEnv>): Environment {
  refuseMasterKey(variables);
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

/** Whoever sets it expects the keys in the store to be sealed; to start without would be to break that promise in silence. */
function refuseMasterKey(variables: Readonly<NodeJS.ProcessEnv>): void {
  if (variables['KEYTURN_MASTER_KEY'] === undefined) return;
  throw invalid('KEYTURN_MASTER_KEY is set, but this version cannot seal the keys in its store yet; unset it to run without sealing');
}

function invalid(message: string): KeyturnError {
  return new KeyturnError('ERR_OPTION_INVALID', message);
}
