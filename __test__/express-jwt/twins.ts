import { createRequire } from 'node:module';
import type { TestContext } from 'node:test';

import express from 'express';
import * as theirs from 'express-jwt';
import * as ours from 'keyturn/express-jwt';

import { serve, type TestServer } from '../support/server.js';

/** The package and the one that takes its place. */
export const PACKAGES = [
  ['express-jwt', theirs],
  ['keyturn/express-jwt', ours as unknown as typeof theirs],
] as const;

export const EXPRESS_VERSIONS: readonly (readonly [name: string, express: typeof express])[] = [
  ['Express 5', express],
  ['Express 4', createRequire(__filename)('express4') as typeof express],
];

/** What a function of the options writes down about how it was called. */
export type Note = (...what: readonly unknown[]) => void;

/** Puts a middleware of one of the packages on an application. */
export type Mount = (app: express.Application, jwt: typeof theirs, note: Note) => void;

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Both packages under one version of Express, asked the same. */
export class Twins {
  readonly #servers: readonly TestServer[];

  private constructor(servers: readonly TestServer[]) {
    this.#servers = servers;
  }

  static async start(t: TestContext, make: typeof express, mount: Mount): Promise<Twins> {
    return new Twins(await Promise.all(PACKAGES.map(([, jwt]) => serve(t, application(make, jwt, mount)))));
  }

  /** What each package made of a request, in the order of {@link PACKAGES}. */
  ask(method: string, path: string, headers: Readonly<Record<string, string>>): Promise<readonly Answer[]> {
    return Promise.all(
      this.#servers.map(async ({ url }) => {
        const response = await fetch(url + path, { method, headers });
        return { status: response.status, body: (await response.json()) };
      }),
    );
  }
}

function application(make: typeof express, jwt: typeof theirs, mount: Mount): express.Application {
  let notes: unknown[] = [];
  const app = make();
  app.use((_req, _res, next) => {
    notes = [];
    next();
  });
  mount(app, jwt, (...what) => notes.push(what));
  app.use((req: express.Request, res: express.Response) => {
    const { auth, user, session } = req as express.Request & Readonly<Record<string, unknown>>;
    res.json({ passed: { auth, user, session, prototype: prototypeOf(auth), frozen: Object.isFrozen(auth) }, notes });
  });
  app.use(((error: unknown, _req, res, _next) => {
    const status = (error as { status?: number } | undefined)?.status ?? 500;
    res.status(status).json({ refused: describeError(error, jwt.UnauthorizedError), notes });
  }) satisfies express.ErrorRequestHandler);
  return app;
}

/** Everything that an application can read off an error, but for the lines of its stack. */
export function describeError(error: unknown, unauthorized: typeof theirs.UnauthorizedError): unknown {
  if (typeof error !== 'object' || error === null) return { thrown: error };
  const { name, message } = error as Error;
  const own = Object.getOwnPropertyNames(error).filter((name) => name !== 'stack');
  const values = own.map((key) => [key, (error as Readonly<Record<string, unknown>>)[key]] as const);
  return {
    type: error.constructor.name,
    text: `${name}: ${message}`,
    json: JSON.stringify(error),
    enumerable: Object.keys(error),
    stack: error instanceof Error ? error.stack?.split('\n')[0] : undefined,
    isUnauthorized: error instanceof unauthorized,
    own: Object.fromEntries(values.map(([key, value]) => [key, isError(value) ? describeError(value, unauthorized) : value])),
  };
}

function isError(value: unknown): boolean {
  return value instanceof Error;
}

function prototypeOf(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype ? 'Object' : undefined;
}
