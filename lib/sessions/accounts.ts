import { KeyturnError } from '../errors.js';
import type { NativeSessions } from '../native.js';
import { fromFailure } from '../native-error.js';
import { nativeSessionsOf } from '../native-sessions.js';
import { checkOptions } from '../options/checks.js';
import { requiredString } from '../options/strings.js';
import { hashPassword, verifyPassword } from '../passwords.js';
import type { Sessions } from './sessions.js';

/** An account to be stored. */
export interface AccountOptions {
  /** What is typed to sign in, compared exactly. 1 to 255 bytes. */
  readonly name: string;
  readonly password: string;
  /** What becomes `sub`. Default: the name. */
  readonly subject?: string | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly permissions?: readonly string[] | undefined;
}

/** Who has signed in: what `authenticate` of the router returns. */
export interface SignedInUser {
  readonly subject: string;
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
}

/**
 * A small table of users beside the sessions, for applications that have none yet. It lives in the session store because a
 * file must not be opened by two SQLite libraries of one process: POSIX locks belong to the process.
 */
export interface Accounts {
  /** Stores an account in place of the one of that name. */
  save(account: Readonly<AccountOptions>): Promise<void>;
  /** Stores an account unless the name is taken; then `null`. */
  register(account: Readonly<AccountOptions>): Promise<SignedInUser | null>;
  /** The user of that name and password, else `null` after the same time. */
  authenticate(name: unknown, password: unknown): Promise<SignedInUser | null>;
}

/** The accounts in the store of these sessions. */
export function createAccounts(sessions: Sessions): Accounts {
  const store = nativeSessionsOf(sessions);

  async function put(account: Readonly<AccountOptions>, unlessPresent: boolean): Promise<SignedInUser | null> {
    checkOptions(account, 'account', ['name', 'password', 'subject', 'roles', 'permissions']);
    const name = requiredString(account.name, 'name', "'alice'");
    const user = { subject: account.subject ?? name, roles: account.roles ?? [], permissions: account.permissions ?? [] };
    const passwordHash = await hashPassword(account.password);
    await sessions.ready();
    const { stored, failure } = await store.saveAccount(
      { name, passwordHash, subject: user.subject, roles: [...user.roles], permissions: [...user.permissions] },
      unlessPresent,
    );
    if (failure !== undefined) throw fromFailure(failure);
    return stored === true ? user : null;
  }

  return {
    async save(account) {
      await put(account, false);
    },
    register: async (account) => put(account, true),
    async authenticate(name, password) {
      await sessions.ready();
      return authenticate(store, name, password);
    },
  };
}

async function authenticate(store: NativeSessions, name: unknown, password: unknown): Promise<SignedInUser | null> {
  if (typeof name !== 'string' || typeof password !== 'string') {
    throw new KeyturnError('ERR_BODY_INVALID', 'a sign-in takes a name and a password, both strings');
  }
  const { account, failure } = await store.account(name.slice(0, 256));
  if (failure !== undefined) throw fromFailure(failure);
  const matches = await verifyPassword(account?.passwordHash ?? null, password);
  if (!matches || account === undefined) return null;
  return { subject: account.subject, roles: account.roles, permissions: account.permissions };
}
