import type { IncomingMessage, ServerResponse } from 'node:http';

import type { AccessClaims } from '../sessions/types.js';

declare global {
  // The name under which Express's own types take additions; merging with an interface needs the namespace.
  // eslint-disable-next-line @typescript-eslint/no-namespace
  namespace Express {
    interface Request {
      /** The verified claims of the caller's access token, once a guard of keyturn has let the request through. */
      auth?: Readonly<AccessClaims> | undefined;
    }
  }
}

/** A request that a guard has let through, for servers without Express's types. */
export interface AuthenticatedRequest extends IncomingMessage {
  auth: Readonly<AccessClaims>;
}

export type Next = (error?: unknown) => void;

/** Middleware for Express 4 and 5 and every connect-style server. */
export type Handler = (req: IncomingMessage, res: ServerResponse, next: Next) => void;

/** Middleware that also works as the whole listener of a `node:http` server. */
export type TerminalHandler = (req: IncomingMessage, res: ServerResponse, next?: Next) => void;
