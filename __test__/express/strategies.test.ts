import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';

import type { Auth } from '../../dist/express/assemble-auth.js';
import { type AuthOptions, createAuth } from '../../dist/express/auth.js';
import { authenticate } from '../support/auth-server.js';
import { codeOf, serve, type TestServer } from '../support/server.js';

const OPTIONS: AuthOptions = { store: 'memory:', issuer: 'https://issuer.example', audience: 'https://api.example' };
const START = 1_800_000_000_000;

interface Grant {
  readonly accessToken: string;
  readonly session: { readonly id: string };
}

interface Site {
  readonly auth: Auth;
  readonly server: TestServer;
  readonly logIn: () => Promise<Grant>;
}

async function site(t: TestContext, strategy: 'jti-exchange' | 'renewal'): Promise<Site> {
  t.mock.timers.enable({ apis: ['Date'], now: START });
  const auth = createAuth({ ...OPTIONS, strategy });
  t.after(() => auth.close());
  const server = await serve(t, auth.router({ authenticate }));
  return {
    auth,
    server,
    async logIn() {
      const response = await server.post('/login', { username: 'alice', password: 'right' });
      assert.equal(response.status, 200);
      assert.deepEqual(response.headers.getSetCookie(), [], 'no cookie is set');
      return (await response.json()) as Grant;
    },
  };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

for (const strategy of ['jti-exchange', 'renewal'] as const) {
  describe(`the routes under '${strategy}'`, () => {
    it('refresh and log out by the Bearer token, from wherever the page is, and set no cookie', async (t) => {
      const { auth, server, logIn } = await site(t, strategy);
      const user = await logIn();
      t.mock.timers.tick(strategy === 'renewal' ? 200_000 : 300_000);
      const headers = { ...bearer(user.accessToken), 'x-keyturn-activity': '0', origin: 'https://elsewhere.example', 'sec-fetch-site': 'cross-site' };
      const response = await server.post('/refresh', undefined, headers);
      assert.equal(response.status, 200);
      assert.deepEqual(response.headers.getSetCookie(), []);
      assert.equal(response.headers.get('cache-control'), 'no-store');
      const next = (await response.json()) as Grant;
      assert.notEqual(next.accessToken, user.accessToken);
      assert.equal(next.session.id, user.session.id);
      assert.equal(auth.sessions.verify(next.accessToken).sub, 'alice');
      assert.equal((await server.post('/logout', undefined, bearer(next.accessToken))).status, 204);
      assert.throws(() => auth.sessions.verify(next.accessToken), { code: 'ERR_TOKEN_REVOKED' });
      const over = await server.post('/refresh', undefined, bearer(next.accessToken));
      assert.equal(over.status, 401);
      assert.equal(await codeOf(over), 'ERR_SESSION_REVOKED');
    });

    it('answer 204 without a token and 401 to junk', async (t) => {
      const { server } = await site(t, strategy);
      assert.equal((await server.post('/refresh')).status, 204);
      assert.equal((await server.post('/logout')).status, 204);
      assert.equal((await server.post('/logout', undefined, bearer('a.b.c'))).status, 204);
      assert.equal((await server.get('/csrf')).status, 204);
      for (const headers of [bearer('a.b.c'), { authorization: 'Bearer' }, bearer(`kt1_${'A'.repeat(92)}`)]) {
        const response = await server.post('/refresh', undefined, headers);
        assert.equal(response.status, 401);
        assert.equal(await codeOf(response), 'ERR_REFRESH_INVALID');
      }
    });

    it('end every session by logout-all, and one by its id', async (t) => {
      const { auth, server, logIn } = await site(t, strategy);
      const [one, two, three] = [await logIn(), await logIn(), await logIn()];
      const path = `/sessions/${one.session.id}`;
      const end = await fetch(server.url + path, { method: 'DELETE', headers: bearer(one.accessToken) });
      assert.equal(end.status, 204);
      assert.throws(() => auth.sessions.verify(one.accessToken), { code: 'ERR_TOKEN_REVOKED' });
      assert.equal((await server.post('/logout-all', undefined, bearer(two.accessToken))).status, 204);
      for (const { accessToken } of [two, three]) assert.throws(() => auth.sessions.verify(accessToken), { code: 'ERR_TOKEN_REVOKED' });
    });

    it('leave nothing for auth.csrf() and the cookie options to do', (t) => {
      const auth = createAuth({ ...OPTIONS, strategy });
      t.after(() => auth.close());
      assert.throws(() => auth.csrf(), { code: 'ERR_OPTION_INVALID' });
      for (const options of [{ cookie: {} }, { csrf: {} }, { origins: ['https://a.example'] }]) {
        assert.throws(() => createAuth({ ...OPTIONS, strategy, ...options }), { code: 'ERR_OPTION_INVALID', message: /sets no cookie/ });
      }
    });
  });
}

describe("DELETE /sessions/:id under 'renewal'", () => {
  it("ends nobody else's", async (t) => {
    const { auth, server, logIn } = await site(t, 'renewal');
    const [one, two] = [await logIn(), await logIn()];
    const response = await fetch(`${server.url}/sessions/${two.session.id}`, { method: 'DELETE', headers: bearer(one.accessToken) });
    assert.equal(response.status, 404);
    assert.equal(auth.sessions.verify(two.accessToken).sub, 'alice');
  });
});
