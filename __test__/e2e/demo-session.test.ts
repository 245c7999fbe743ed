import assert from 'node:assert/strict';
import { test } from 'node:test';

import { signedIn } from '../support/auth-server.js';
import { claimsOf, sqliteStore, startDemo, until } from '../support/demo.js';
import { codeOf, cookiesOf, type ErrorBody } from '../support/server.js';

const GRACE_MS = 1_000;

test('a session lives through its access life, dies of a stolen token, and ends at logout', async (t) => {
  const demo = await startDemo(t, { KEYTURN_STORE: sqliteStore(t), KEYTURN_ACCESS_TTL: '3s', KEYTURN_GRACE: '1s' });
  const { server } = demo;
  const first = await demo.logIn();

  await t.test('the access token opens the API until its life is over', async () => {
    assert.equal((await server.get('/api/me', first.bearer)).status, 200);
    await until(claimsOf(first.accessToken).exp * 1000);
    const late = await server.get('/api/me', first.bearer);
    assert.deepEqual([late.status, await codeOf(late)], [401, 'ERR_TOKEN_EXPIRED']);
    assert.match(late.headers.get('www-authenticate') ?? '', /^Bearer error="invalid_token"/);
  });

  const response = await server.post('/auth/refresh', undefined, first.headers);
  const rotatedAt = Date.now();
  const second = await signedIn(response);
  await t.test('a refresh gives a token that works', async () => {
    assert.equal(response.status, 200);
    assert.notEqual(second.refreshToken, first.refreshToken);
    assert.equal(second.sid, first.sid);
    assert.equal((await server.get('/api/me', second.bearer)).status, 200);
  });

  await t.test('within the grace the old refresh token gets the same successor', async () => {
    const again = await server.post('/auth/refresh', undefined, first.headers);
    assert.equal(again.status, 200);
    assert.equal((await signedIn(again)).refreshToken, second.refreshToken);
  });

  await t.test('after it the session dies, and its access token with it', async () => {
    await until(rotatedAt + GRACE_MS);
    const stolen = await server.post('/auth/refresh', undefined, first.headers);
    assert.deepEqual([stolen.status, await codeOf(stolen)], [401, 'ERR_REFRESH_REUSED']);
    assert.equal(cookiesOf(stolen).get('__Host-Http-keyturn')?.value, '');

    const dead = await server.get('/api/me', second.bearer);
    assert.deepEqual([dead.status, await codeOf(dead)], [401, 'ERR_TOKEN_REVOKED']);
    const owner = await server.post('/auth/refresh', undefined, second.headers);
    const { error } = (await owner.json()) as ErrorBody;
    assert.deepEqual([owner.status, error.code, error.reason], [401, 'ERR_SESSION_REVOKED', 'reuse']);
  });

  await t.test('after a logout the access token is refused at once', async () => {
    const third = await demo.logIn();
    assert.equal((await server.get('/api/me', third.bearer)).status, 200);
    const logout = await server.post('/auth/logout', undefined, third.headers);
    assert.equal(logout.status, 204);
    const refused = await server.get('/api/me', third.bearer);
    assert.deepEqual([refused.status, await codeOf(refused)], [401, 'ERR_TOKEN_REVOKED']);
  });
});

test('a session that rests longer than the idle limit is over', async (t) => {
  const demo = await startDemo(t, { KEYTURN_IDLE: '1s', KEYTURN_ACCESS_TTL: '1s' });
  const user = await demo.logIn();
  await until(Date.now() + 1_000);
  const response = await demo.server.post('/auth/refresh', undefined, user.headers);
  const { error } = (await response.json()) as ErrorBody;
  assert.deepEqual([response.status, error.code, error.reason], [401, 'ERR_SESSION_EXPIRED', 'idle']);
});

test('fifty refreshes at once with one token leave one live session', async (t) => {
  const demo = await startDemo(t, { KEYTURN_STORE: sqliteStore(t) });
  const user = await demo.logIn();
  const racers = Array.from({ length: 50 }, () => demo.server.post('/auth/refresh', undefined, user.headers));
  const responses = await Promise.all(racers);
  assert.deepEqual(new Set(responses.map(({ status }) => status)), new Set([200]));
  const next = await Promise.all(responses.map((response) => signedIn(response)));
  assert.equal(new Set(next.map(({ refreshToken }) => refreshToken)).size, 1);
  const { headers = {} } = next[0] ?? {};
  assert.equal((await demo.server.post('/auth/refresh', undefined, headers)).status, 200);
});

test('sessions are listed, ended one by one and all together', async (t) => {
  const demo = await startDemo(t);
  const { server } = demo;
  const [laptop, phone] = [await demo.logIn('alice', { 'user-agent': 'curl/8' }), await demo.logIn()];

  const list = (await (await server.get('/auth/sessions', laptop.bearer)).json()) as {
    readonly sessions: readonly { readonly id: string; readonly current: boolean; readonly device: string | null }[];
  };
  assert.deepEqual(
    list.sessions.map(({ id, current }) => [id, current]).sort(),
    [[laptop.sid, true], [phone.sid, false]].sort(),
  );
  assert.ok(list.sessions.some(({ device }) => device === 'curl'));

  const end = (id: string): Promise<Response> => fetch(`${server.url}/auth/sessions/${id}`, { method: 'DELETE', headers: laptop.bearer });
  assert.equal((await end(phone.sid)).status, 204);
  assert.equal(await codeOf(await server.get('/api/me', phone.bearer)), 'ERR_TOKEN_REVOKED');

  const tablet = await demo.logIn();
  assert.equal((await server.post('/auth/logout-all', undefined, laptop.headers)).status, 204);
  assert.equal(await codeOf(await server.get('/api/me', tablet.bearer)), 'ERR_TOKEN_REVOKED');
  assert.equal(await codeOf(await server.get('/api/me', laptop.bearer)), 'ERR_TOKEN_REVOKED');
});
