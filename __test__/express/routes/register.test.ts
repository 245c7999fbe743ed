import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { serveAuth } from '../../support/auth-server.js';
import { codeOf, cookiesOf } from '../../support/server.js';

const register = ({ body }: { readonly body: Readonly<Record<string, unknown>> }) => {
  return body['username'] === 'taken' ? null : { subject: String(body['username']) };
};

describe('POST /register', () => {
  it('answers 201 and signs the new user in', async (t) => {
    const { sessions, server } = await serveAuth(t, {}, { register });
    const response = await server.post('/register', { username: 'carol' });
    assert.equal(response.status, 201);
    assert.equal(cookiesOf(response).size, 2);
    assert.equal((await sessions.list('carol')).length, 1);
  });

  it('answers 409 when the application refuses', async (t) => {
    const { server } = await serveAuth(t, {}, { register });
    const response = await server.post('/register', { username: 'taken' });
    assert.equal(response.status, 409);
    assert.equal(await codeOf(response), 'ERR_REGISTER_REFUSED');
  });

  it('checks origin and type, and is limited', async (t) => {
    const { server } = await serveAuth(t, { loginLimit: '1/1m' }, { register });
    assert.equal((await server.post('/register', { username: 'x' }, { 'sec-fetch-site': 'cross-site' })).status, 403);
    assert.equal((await fetch(`${server.url}/register`, { method: 'POST', body: '{}' })).status, 415);
    assert.equal((await server.post('/register', { username: 'x' })).status, 201);
    assert.equal((await server.post('/register', { username: 'x' })).status, 429);
  });

  it('is not there unless the application has one', async (t) => {
    const { server } = await serveAuth(t);
    assert.equal((await server.post('/register', { username: 'x' })).status, 404);
  });
});
