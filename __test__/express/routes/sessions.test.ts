import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { logIn, serveAuth } from '../../support/auth-server.js';
import { codeOf, type TestServer } from '../../support/server.js';

function remove(server: TestServer, id: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(`${server.url}/sessions/${id}`, { method: 'DELETE', headers });
}

describe('GET /sessions', () => {
  it("lists the caller's live sessions and marks the current one", async (t) => {
    const { sessions, server } = await serveAuth(t);
    const first = await logIn(server, { 'user-agent': 'curl/8' });
    const second = await logIn(server, { 'user-agent': '<script>' });
    await sessions.start({ subject: 'bob' });
    const response = await server.get('/sessions', second.bearer);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('cache-control'), 'no-store');
    const body = (await response.json()) as { sessions: readonly Record<string, unknown>[] };
    assert.deepEqual(body.sessions.map(({ id, current, device }) => ({ id, current, device })), [
      { id: first.sid, current: false, device: 'curl' },
      { id: second.sid, current: true, device: null },
    ]);
    assert.deepEqual(Object.keys(body.sessions[0] ?? {}), ['id', 'current', 'device', 'startedAt', 'lastActivityAt', 'idleEndsAt', 'absoluteEndsAt']);
  });

  it('takes a Bearer token and no cookie', async (t) => {
    const { server } = await serveAuth(t);
    const user = await logIn(server);
    const response = await server.get('/sessions', user.headers);
    assert.equal(response.status, 401);
    assert.equal(response.headers.get('www-authenticate'), 'Bearer');
  });

  it('challenges a bad token', async (t) => {
    const { server } = await serveAuth(t);
    const response = await server.get('/sessions', { authorization: 'Bearer forged' });
    assert.equal(response.status, 401);
    assert.match(response.headers.get('www-authenticate') ?? '', /invalid_token/);
  });

  it('answers 503 when the store is down', async (t) => {
    const { sessions, server } = await serveAuth(t);
    const user = await logIn(server);
    sessions.isDown = true;
    assert.equal((await server.get('/sessions', user.bearer)).status, 503);
  });
});

describe('DELETE /sessions/:id', () => {
  it('ends a session of the caller, without an XSRF token', async (t) => {
    const { sessions, server } = await serveAuth(t);
    const first = await logIn(server);
    const second = await logIn(server);
    assert.equal((await remove(server, first.sid, second.bearer)).status, 204);
    assert.equal(sessions.endedReason(first.sid), 'logout');
    assert.equal((await server.get('/sessions', first.bearer)).status, 401);
  });

  it("answers 404 to another's session, an unknown, an ended one and junk alike", async (t) => {
    const { sessions, server } = await serveAuth(t);
    const user = await logIn(server);
    const ended = await logIn(server);
    await sessions.end(ended.sid);
    const { session: bobs } = await sessions.start({ subject: 'bob' });
    const bodies = new Set<string>();
    for (const id of [bobs.id, 'A'.repeat(22), ended.sid, 'x', '...', `${'A'.repeat(22)}%00`, 'A'.repeat(5000)]) {
      const response = await remove(server, id, user.bearer);
      assert.equal(response.status, 404, id);
      bodies.add(await response.text());
    }
    assert.equal(bodies.size, 1);
    assert.match([...bodies].join(), /"ERR_SESSION_UNKNOWN"/);
    assert.equal(sessions.endedReason(bobs.id), undefined);
  });

  it('takes a Bearer token and no cookie', async (t) => {
    const { server } = await serveAuth(t);
    const user = await logIn(server);
    const response = await remove(server, user.sid, user.headers);
    assert.equal(response.status, 401);
    assert.equal(await codeOf(response), 'ERR_TOKEN_MISSING');
  });
});
