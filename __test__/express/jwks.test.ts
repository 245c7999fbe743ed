import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { KeyturnError } from '../../dist/errors.js';
import { assembleAuth, parseHttpOptions } from '../../dist/express/assemble-auth.js';
import { FakeSessions } from '../support/fake-sessions.js';
import { codeOf, serve } from '../support/server.js';

describe('jwks', () => {
  it('publishes the keys for caches to keep', async (t) => {
    const server = await serve(t, assembleAuth(new FakeSessions(), parseHttpOptions({})).jwks());
    const response = await server.get('/');
    assert.equal(response.headers.get('cache-control'), 'public, max-age=300');
    assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
    assert.deepEqual(await response.json(), { keys: [{ kty: 'OKP', crv: 'Ed25519', kid: 'fake', x: 'AA' }] });
  });

  it('lets no cache keep an answer 503', async (t) => {
    const sessions = new FakeSessions();
    sessions.readiness = Promise.reject(new KeyturnError('ERR_STORE_UNAVAILABLE', 'x'));
    const server = await serve(t, assembleAuth(sessions, parseHttpOptions({})).jwks());
    const response = await server.get('/');
    assert.equal(response.status, 503);
    assert.equal(response.headers.get('cache-control'), 'no-store');
  });

  it('answers 405 to POST', async (t) => {
    const server = await serve(t, assembleAuth(new FakeSessions(), parseHttpOptions({})).jwks());
    const response = await server.post('/');
    assert.equal(response.status, 405);
    assert.equal(await codeOf(response), 'ERR_METHOD_NOT_ALLOWED');
  });
});
