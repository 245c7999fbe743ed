import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { type Accounts, type Auth, createAccounts, createAuth } from 'keyturn';

import { createApp } from './app.js';
import { answerClientError } from './client-error.js';
import type { Environment } from './environment.js';
import { EventFeed } from './event-feed.js';
import { drawUsers, PrintedPasswords, type User } from './users.js';

/** A demo that is starting or running. */
export interface Demo {
  /** Resolves when everything works; rejects if the demo cannot run. */
  readonly started: Promise<void>;
  /** Ends every connection and closes the store. Rejects if that takes more than some seconds. */
  stop(): Promise<void>;
}

/** A constant, for a token must stay valid when the port changes. */
const ISSUER = 'https://demo.keyturn.example';
const AUDIENCE = 'keyturn-demo';

/** How long requests that are being answered may take when the demo stops, and how long all of it may. */
const REQUEST_GRACE_MS = 2_000;
const STOP_MS = 8_000;

/** @throws KeyturnError `ERR_OPTION_INVALID` for settings that cannot be used. What the store says comes with `started`. */
export function startDemo(environment: Environment): Demo {
  const { store, accessTtl, grace, idle, absolute, loginLimit, masterKey } = environment;
  const auth = createAuth({
    store,
    issuer: ISSUER,
    audience: AUDIENCE,
    access: { ttl: accessTtl },
    refresh: { grace },
    idle,
    absolute,
    loginLimit,
    masterKey,
  });
  const feed = new EventFeed(auth);
  const gate = new Gate();
  const users = { printed: new PrintedPasswords([]) };
  const accounts = createAccounts(auth.sessions);
  const server = createServer(createApp({ auth, accounts, printed: () => users.printed, feed, usersReady: gate.opened }));
  server.on('clientError', answerClientError);
  let stopping: Promise<void> | undefined;
  return {
    started: start(environment.port, { auth, accounts, server, gate, users }, () => stopping !== undefined),
    stop: () => (stopping ??= withinTime(stop({ auth, server, feed }))),
  };
}

interface Parts {
  readonly auth: Auth;
  readonly accounts: Accounts;
  readonly server: Server;
  readonly gate: Gate;
  readonly users: { printed: PrintedPasswords };
}

/**
 * The new passwords are shown before the port opens, and stored after: a second demo that finds the port taken has then
 * changed nothing for the first. Logins wait for them.
 */
async function start(port: number, { auth, accounts, server, gate, users: known }: Parts, isStopping: () => boolean): Promise<void> {
  await auth.sessions.ready();
  if (isStopping()) return;
  const users = drawUsers();
  for (const { name, password } of users) console.log(`${name}: ${password}`);
  await listen(server, port);
  await save(accounts, users);
  known.printed = new PrintedPasswords(users);
  gate.open();
  console.log(`Listening on http://localhost:${String((server.address() as AddressInfo).port)} (Ctrl-C stops it)`);
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port);
  await once(server, 'listening').catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const reason = code === 'EADDRINUSE' ? 'is in use' : 'cannot be opened';
    throw Object.assign(new Error(`port ${String(port)} ${reason}`), { code });
  });
}

async function save(accounts: Accounts, users: readonly User[]): Promise<void> {
  await Promise.all(users.map((user) => accounts.save(user)));
}

async function stop({ auth, server, feed }: { readonly auth: Auth; readonly server: Server; readonly feed: EventFeed }): Promise<void> {
  feed.close();
  if (server.listening) {
    const timer = setTimeout(() => server.closeAllConnections(), REQUEST_GRACE_MS);
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    clearTimeout(timer);
  }
  await auth.close();
}

async function withinTime(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`could not close everything within ${String(STOP_MS / 1000)} seconds`)), STOP_MS);
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** A promise that is resolved from outside. */
class Gate {
  readonly opened: Promise<void>;
  #open: () => void = () => undefined;

  constructor() {
    this.opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(): void {
    this.#open();
  }
}
