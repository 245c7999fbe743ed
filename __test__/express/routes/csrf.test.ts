import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { logIn, serveAuth } from '../../support/auth-server.js';
import { cookiesOf } from '../../support/server.js';

describe('GET /csrf', () => {
  it('answers with the XSRF token of the session, in body and cookie', async (t) => {
    const { server } = await serveAuth(t);
    const user = await logIn(server);
    const response = await server.get('/csrf', { cookie: `__Host-Http-keyturn=${user.refreshToken}` });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('cache-control'), 'no-store');
    assert.deepEqual(await response.json(), { csrfToken: user.csrfToken });
    assert.deepEqual([...cookiesOf(response)], [['XSRF-TOKEN', { value: user.csrfToken, attributes: ['Path=/', 'Secure', 'SameSite=Strict'] }]]);
  });

  it('answers 204 without a valid refresh cookie', async (t) => {
    const { server } = await serveAuth(t);
    for (const cookie of ['', 'a=1', '__Host-Http-keyturn=junk', '__Host-Http-keyturn=a; __Host-Http-keyturn=b']) {
      assert.equal((await server.get('/csrf', cookie === '' ? {} : { cookie })).status, 204);
    }
  });

  it('answers 403 to another origin', async (t) => {
    const { server } = await serveAuth(t);
    const user = await logIn(server);
    assert.equal((await server.get('/csrf', { ...user.headers, 'sec-fetch-site': 'cross-site' })).status, 403);
  });

  it('reads no store', async (t) => {
    const { sessions, server } = await serveAuth(t);
    const user = await logIn(server);
    sessions.isDown = true;
    assert.equal((await server.get('/csrf', user.headers)).status, 200);
  });
});
