import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';

import { logIn, serveAuth, type SignedIn } from '../support/auth-server.js';
import { codeOf, serve, type TestServer } from '../support/server.js';

async function protectedServer(t: TestContext): Promise<{ readonly server: TestServer; readonly user: SignedIn }> {
  const { auth, server: login } = await serveAuth(t);
  const csrf = auth.csrf();
  const server = await serve(t, (req, res) => {
    csrf(req, res, () => res.end('done'));
  });
  return { server, user: await logIn(login) };
}

describe('csrf', () => {
  it('lets a request with cookie and XSRF token through', async (t) => {
    const { server, user } = await protectedServer(t);
    assert.equal((await server.post('/', {}, user.headers)).status, 200);
  });

  it('lets requests through that change nothing', async (t) => {
    const { server } = await protectedServer(t);
    for (const method of ['GET', 'HEAD', 'OPTIONS']) assert.equal((await fetch(server.url, { method })).status, 200);
  });

  it('stops everything else, without a body being read', async (t) => {
    const { server, user } = await protectedServer(t);
    const { cookie = '', 'x-xsrf-token': token = '' } = user.headers;
    const attempts: readonly (readonly [headers: Readonly<Record<string, string>>, reason: string])[] = [
      [{ cookie }, 'token'],
      [{ cookie, 'x-xsrf-token': 'wrong' }, 'token'],
      [{ cookie: `${cookie}; XSRF-TOKEN=wrong`, 'x-xsrf-token': 'wrong' }, 'token'],
      [{ 'x-xsrf-token': token }, 'cookie'],
      [{ cookie: '__Host-Http-keyturn=junk', 'x-xsrf-token': token }, 'cookie'],
      [{}, 'cookie'],
      [{ ...user.headers, 'sec-fetch-site': 'cross-site' }, 'origin'],
      [{ ...user.headers, origin: 'https://evil.example' }, 'origin'],
      [{ ...user.headers, origin: 'null' }, 'origin'],
    ];
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND']) {
      for (const [headers, reason] of attempts) {
        const response = await fetch(server.url, { method, headers });
        assert.equal(response.status, 403);
        assert.equal(((await response.json()) as { error: { reason: string } }).error.reason, reason);
      }
    }
  });

  it('answers ERR_CSRF', async (t) => {
    const { server } = await protectedServer(t);
    assert.equal(await codeOf(await server.post('/')), 'ERR_CSRF');
  });
});
