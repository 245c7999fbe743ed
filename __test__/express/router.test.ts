import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { KeyturnError } from '../../dist/errors.js';
import { assembleAuth, parseHttpOptions } from '../../dist/express/assemble-auth.js';
import type { RouterOptions } from '../../dist/express/router.js';
import { authenticate, logIn, serveAuth } from '../support/auth-server.js';
import { FakeSessions } from '../support/fake-sessions.js';
import { codeOf, serve } from '../support/server.js';

describe('router', () => {
  const unknown = ['/', '/login/', '/Login', '//login', '/login%20', '/log%69n', '/sessions/', '/sessions/a/b', '/register', '/__proto__', '/constructor', '/logout-all/x', '/.well-known/jwks.json'];
  for (const path of unknown) {
    it(`knows no route ${path}`, async (t) => {
      const { server } = await serveAuth(t);
      const response = await server.post(path);
      assert.equal(response.status, 404);
      assert.equal(await codeOf(response), 'ERR_ROUTE_UNKNOWN');
    });
  }

  it('hands what it does not know to next', async (t) => {
    const auth = assembleAuth(new FakeSessions(), parseHttpOptions({}));
    const router = auth.router({ authenticate });
    const server = await serve(t, (req, res) => {
      router(req, res, () => res.end('next'));
    });
    assert.equal(await (await server.get('/elsewhere')).text(), 'next');
  });

  const wrong: readonly (readonly [method: string, path: string, allow: string])[] = [
    ['GET', '/login', 'POST, OPTIONS'],
    ['GET', '/refresh', 'POST, OPTIONS'],
    ['GET', '/logout', 'POST, OPTIONS'],
    ['GET', '/logout-all', 'POST, OPTIONS'],
    ['HEAD', '/logout', 'POST, OPTIONS'],
    ['PUT', '/login', 'POST, OPTIONS'],
    ['POST', '/csrf', 'GET, HEAD, OPTIONS'],
    ['POST', '/sessions', 'GET, HEAD, OPTIONS'],
    ['GET', '/sessions/abc', 'DELETE, OPTIONS'],
  ];
  for (const [method, path, allow] of wrong) {
    it(`answers 405 to ${method} ${path}`, async (t) => {
      const { server } = await serveAuth(t);
      const response = await fetch(server.url + path, { method });
      assert.equal(response.status, 405);
      assert.equal(response.headers.get('allow'), allow);
      if (method !== 'HEAD') assert.equal(await codeOf(response), 'ERR_METHOD_NOT_ALLOWED');
    });
  }

  it('does not let a header or the query choose the method', async (t) => {
    const { server } = await serveAuth(t);
    assert.equal((await server.get('/logout?_method=POST', { 'x-http-method-override': 'POST' })).status, 405);
  });

  it('answers OPTIONS with what is allowed and no CORS header', async (t) => {
    const { server } = await serveAuth(t);
    const response = await fetch(`${server.url}/login`, { method: 'OPTIONS', headers: { origin: 'https://evil.example' } });
    assert.equal(response.status, 204);
    assert.equal(response.headers.get('allow'), 'POST, OPTIONS');
    assert.equal(response.headers.get('access-control-allow-origin'), null);
  });

  it('ignores the query', async (t) => {
    const { server } = await serveAuth(t);
    assert.equal((await server.post('/refresh?a=/../b')).status, 204);
  });

  it('answers HEAD as GET, without a body', async (t) => {
    const { server } = await serveAuth(t);
    const user = await logIn(server);
    const response = await fetch(`${server.url}/sessions`, { method: 'HEAD', headers: user.bearer });
    assert.equal(response.status, 200);
    assert.equal(await response.text(), '');
  });

  it('answers 503 with Retry-After while the store is not there, and needs no store to say 204, 404 and 405', async (t) => {
    const { sessions, server } = await serveAuth(t);
    sessions.readiness = Promise.reject(new KeyturnError('ERR_STORE_UNAVAILABLE', 'x'));
    const response = await server.post('/login', { username: 'alice', password: 'right' });
    assert.equal(response.status, 503);
    assert.equal(response.headers.get('retry-after'), '5');
    assert.equal(await codeOf(response), 'ERR_STORE_UNAVAILABLE');
    assert.equal((await server.post('/refresh')).status, 204);
    assert.equal((await server.get('/nothing')).status, 404);
    assert.equal((await server.get('/refresh')).status, 405);
  });

  const mistakes: readonly (readonly [options: unknown, code: string, message: RegExp])[] = [
    [undefined, 'ERR_OPTION_INVALID', /must be an object with authenticate/],
    [authenticate, 'ERR_OPTION_INVALID', /must be an object/],
    [{}, 'ERR_OPTION_INVALID', /^authenticate must be a function, for instance async \(req\)/],
    [{ authenticate: 'alice' }, 'ERR_OPTION_INVALID', /^authenticate must be a function/],
    [{ authenticate, register: true }, 'ERR_OPTION_INVALID', /^register must be a function/],
    [{ authenticate, account: 'email' }, 'ERR_OPTION_INVALID', /^account must be a function, for instance \(body\) => body\.email/],
    [{ authentcate: authenticate }, 'ERR_OPTION_UNKNOWN', /no option 'authentcate'; did you mean 'authenticate'\?/],
    [{ authenticate, onLogin: authenticate }, 'ERR_OPTION_UNKNOWN', /the options are authenticate, register, account/],
  ];
  for (const [options, code, message] of mistakes) {
    it(`refuses the options ${JSON.stringify(options)} at the start: ${message.source}`, () => {
      const auth = assembleAuth(new FakeSessions(), parseHttpOptions({}));
      assert.throws(() => auth.router(options as RouterOptions), { code, message });
    });
  }
});
