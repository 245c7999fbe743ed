import express, { type Express } from 'express';
import type { Accounts, Auth } from 'keyturn';

import { createApi } from './api.js';
import { answerFailure, answerUnknown } from './errors.js';
import type { EventFeed } from './event-feed.js';
import { servePage } from './page.js';
import { securityHeaders } from './security-headers.js';
import type { PrintedPasswords } from './users.js';

/** What the routes work with. */
export interface AppParts {
  readonly auth: Auth;
  readonly accounts: Accounts;
  /** Known once the users are ready. */
  readonly printed: () => PrintedPasswords;
  readonly feed: EventFeed;
  /** Resolves when the accounts are stored; logins wait for it. */
  readonly usersReady: Promise<void>;
}

/** The demo's whole HTTP surface. */
export function createApp({ auth, accounts, printed, feed, usersReady }: AppParts): Express {
  const app = express();
  // What is computed is never cached, and so needs no validator.
  app.set('etag', false);
  app.use(securityHeaders());

  app.use(
    '/auth',
    auth.router({
      authenticate: async ({ body }) => {
        await usersReady;
        const { username, password } = body;
        return (await accounts.authenticate(username, password)) ?? printed().authenticate(username, password);
      },
    }),
  );
  app.use('/api', createApi(auth));
  app.get('/.well-known/jwks.json', auth.jwks());

  // Both tell how busy the server is: an application keeps them from the public.
  app.get('/metrics', auth.metrics());
  app.get('/events', feed.handler());

  app.get('/healthz', (_req, res) => {
    res.set('Cache-Control', 'no-store').json({ status: 'ok' });
  });
  app.use(servePage());
  app.use(answerUnknown);
  app.use(answerFailure);
  return app;
}
