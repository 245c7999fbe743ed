import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, it, type TestContext } from 'node:test';

import express from 'express';

import { assembleAuth, parseHttpOptions } from '../../dist/express/assemble-auth.js';
import { authenticate, logIn } from '../support/auth-server.js';
import { FakeSessions } from '../support/fake-sessions.js';
import { serve, type TestServer } from '../support/server.js';

const VERSIONS: readonly (readonly [name: string, express: typeof express])[] = [
  ['Express 5', express],
  ['Express 4', createRequire(__filename)('express4') as typeof express],
];

/** The application of the README: a router under a path, guarded routes, an error handler of its own. */
async function application(t: TestContext, make: typeof express, parser?: ReturnType<typeof express.json>): Promise<TestServer> {
  const auth = assembleAuth(new FakeSessions(), parseHttpOptions({}));
  const app = make();
  if (parser !== undefined) app.use(parser);
  app.use('/auth', auth.router({ authenticate }));
  app.get('/api/me', auth.requireAuth(), (req, res) => {
    res.json({ sub: req.auth?.sub });
  });
  app.get('/api/admin', auth.requireAuth(), auth.requireRole('admin'), (_req, res) => {
    res.json('admin');
  });
  app.get('/api/orders', auth.requirePermission('orders:write'), (_req, res) => {
    res.json('orders');
  });
  app.get('/wrong', auth.requireAuth as unknown as ReturnType<typeof auth.requireAuth>);
  app.get('/metrics', auth.metrics());
  app.use(((error: Error, _req, res, _next) => {
    res.status(500).json({ handled: error.message });
  }) satisfies express.ErrorRequestHandler);
  return serve(t, app);
}

for (const [version, make] of VERSIONS) {
  describe(`handlers in ${version}`, () => {
    it('sign in, guard, refresh and sign out', async (t) => {
      const server = await application(t, make);
      const under = { post: (path: string, body?: unknown, headers?: Readonly<Record<string, string>>) => server.post(`/auth${path}`, body, headers) };
      const user = await logIn(under as TestServer);
      assert.deepEqual(await (await server.get('/api/me', user.bearer)).json(), { sub: 'alice' });
      assert.equal((await server.get('/api/admin', user.bearer)).status, 200);
      assert.equal((await server.get('/api/orders', user.bearer)).status, 403);
      assert.equal((await server.get('/api/me')).status, 401);
      assert.equal((await server.post('/auth/refresh', undefined, user.headers)).status, 200);
      assert.equal((await server.post('/auth/logout', undefined, user.headers)).status, 204);
      assert.equal((await server.get('/api/me', user.bearer)).status, 401);
      assert.equal((await server.get('/metrics')).status, 200);
    });

    for (const [name, parser] of [['express.json()', make.json()], ['express.urlencoded()', make.urlencoded({ extended: false })]] as const) {
      it(`log in behind ${name}`, async (t) => {
        const server = await application(t, make, parser);
        assert.equal((await server.post('/auth/login', { username: 'alice', password: 'right' })).status, 200);
      });
    }

    it('leave unknown paths to the application', async (t) => {
      const server = await application(t, make);
      const response = await server.get('/auth/elsewhere');
      assert.equal(response.status, 404);
      assert.match(await response.text(), /Cannot GET \/auth\/elsewhere/);
    });

    it('fail closed, with the fix, when a factory is used as a handler', async (t) => {
      const server = await application(t, make);
      const response = await server.get('/wrong');
      assert.equal(response.status, 500);
      assert.match(await response.text(), /write auth\.requireAuth\(\.\.\.\) where you wrote auth\.requireAuth/);
    });
  });
}
