import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { KeyturnError } from '../../../dist/errors.js';
import type { AuthEvent } from '../../../dist/events.js';
import { authenticate, logIn, serveAuth } from '../../support/auth-server.js';
import { codeOf, cookiesOf, type ErrorBody } from '../../support/server.js';

const RIGHT = { username: 'alice', password: 'right' };
const WRONG = { username: 'alice', password: 'wrong' };

describe('POST /login', () => {
  it('answers with the access token, the times of the session and both cookies', async (t) => {
    const { sessions, server } = await serveAuth(t);
    const before = Date.now();
    const response = await server.post('/login', RIGHT);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('cache-control'), 'no-store');
    const body = (await response.json()) as { accessToken: string; expiresIn: number; now: number; session: Record<string, number | string> };
    assert.deepEqual(Object.keys(body), ['accessToken', 'expiresIn', 'now', 'session']);
    assert.deepEqual(Object.keys(body.session), ['id', 'startedAt', 'idleEndsAt', 'absoluteEndsAt']);
    assert.equal(body.expiresIn, 300);
    assert.ok(body.now >= before && body.now <= Date.now());
    assert.equal(sessions.verify(body.accessToken).sid, body.session['id']);
    const refresh = cookiesOf(response).get('__Host-Http-keyturn');
    assert.match(refresh?.value ?? '', /^kt1_/);
    assert.deepEqual(refresh?.attributes.slice(0, 4), ['Path=/', 'Secure', 'SameSite=Strict', 'HttpOnly']);
    const csrf = cookiesOf(response).get('XSRF-TOKEN');
    assert.equal(csrf?.value, `csrf-${String(body.session['id'])}`);
    assert.equal(csrf.attributes.includes('HttpOnly'), false);
  });

  it('passes roles, permissions and claims on, and labels the device', async (t) => {
    const user = { subject: 'u1', roles: ['r'], permissions: ['p'], claims: { plan: 'pro' } };
    const { sessions, server } = await serveAuth(t, {}, { authenticate: () => user });
    const { accessToken } = await logIn(server, { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0' });
    const { sub, roles, permissions, plan } = sessions.verify(accessToken) as unknown as Record<string, unknown>;
    assert.deepEqual({ sub, roles, permissions, plan }, { sub: 'u1', roles: ['r'], permissions: ['p'], plan: 'pro' });
    assert.equal((await sessions.list('u1'))[0]?.device, 'Firefox on Linux');
  });

  it('gives one answer to an unknown user and a wrong password', async (t) => {
    const { server } = await serveAuth(t);
    const answers = await Promise.all([WRONG, { username: 'nobody', password: 'right' }, {}, { username: ['alice'], password: 7 }].map(async (body) => {
      const response = await server.post('/login', body);
      assert.equal(response.headers.getSetCookie().length, 0);
      return [response.status, response.headers.get('www-authenticate'), await response.text()];
    }));
    for (const answer of answers) assert.deepEqual(answer, answers[0]);
    assert.equal(answers[0]?.[0], 401);
    assert.match(answers[0][2] as string, /"ERR_LOGIN_FAILED"/);
  });

  it('emits login_ok and login_failed, without what was typed', async (t) => {
    const { auth, server } = await serveAuth(t);
    const events: AuthEvent[] = [];
    for (const type of ['login_ok', 'login_failed'] as const) auth.on(type, (event) => events.push(event));
    const { sid } = await logIn(server);
    await server.post('/login', WRONG);
    assert.deepEqual(events.map(({ time, ...rest }) => { assert.ok(time > 0); return rest; }), [
      { type: 'login_ok', address: '127.0.0.0/24', subject: 'alice', session: sid },
      { type: 'login_failed', address: '127.0.0.0/24', reason: 'ERR_LOGIN_FAILED' },
    ]);
  });

  for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }, { origin: 'https://evil.example' }, { origin: 'null' }]) {
    it(`answers 403 to a login with ${JSON.stringify(headers)}`, async (t) => {
      const { server } = await serveAuth(t);
      const response = await server.post('/login', RIGHT, headers);
      assert.equal(response.status, 403);
      assert.deepEqual(((await response.json()) as ErrorBody).error.reason, 'origin');
      assert.equal(response.headers.getSetCookie().length, 0);
    });
  }

  it('answers 415 to what an HTML form can send', async (t) => {
    const { server } = await serveAuth(t);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const response = await fetch(`${server.url}/login`, { method: 'POST', body: JSON.stringify(RIGHT), headers: { 'content-type': type } });
      assert.equal(response.status, 415, type);
    }
  });

  it('answers 400 to malformed JSON and 413 to two megabytes, and stays up', async (t) => {
    const { server } = await serveAuth(t);
    const headers = { 'content-type': 'application/json' };
    assert.equal((await fetch(`${server.url}/login`, { method: 'POST', body: '{"username":', headers })).status, 400);
    assert.equal((await fetch(`${server.url}/login`, { method: 'POST', body: 'x'.repeat(2_000_000), headers })).status, 413);
    await logIn(server);
  });

  it('limits attempts before the password is looked at', async (t) => {
    let looks = 0;
    const { auth, server } = await serveAuth(t, { loginLimit: '3/1m' }, { authenticate: (req) => { looks += 1; return authenticate(req); } });
    const events: AuthEvent[] = [];
    auth.on('rate_limited', (event) => events.push(event));
    for (let i = 0; i < 3; i += 1) assert.equal((await server.post('/login', WRONG)).status, 401);
    const response = await server.post('/login', RIGHT);
    assert.equal(response.status, 429);
    assert.ok(Number(response.headers.get('retry-after')) > 0 && Number(response.headers.get('retry-after')) <= 20);
    assert.equal(await codeOf(response), 'ERR_RATE_LIMITED');
    assert.equal(looks, 3);
    assert.equal(events.length, 1);
    assert.equal((await server.post('/login', { username: 'bob', password: 'x' })).status, 401);
  });

  it('limits at once even while the store is not there', async (t) => {
    const { sessions, server } = await serveAuth(t, { loginLimit: '1/1m' });
    await server.post('/login', WRONG);
    sessions.readiness = new Promise(() => undefined);
    assert.equal((await server.post('/login', WRONG)).status, 429);
  });

  it('counts by the address that a trusted proxy names', async (t) => {
    const { server } = await serveAuth(t, { loginLimit: '1/1m', trustProxy: ['127.0.0.1'] });
    const from = (address: string) => server.post('/login', WRONG, { 'x-forwarded-for': address });
    assert.equal((await from('203.0.113.7')).status, 401);
    assert.equal((await from('203.0.113.7')).status, 429);
    assert.equal((await from('192.0.2.1, 203.0.113.7')).status, 429);
    assert.equal((await from('203.0.113.8')).status, 401);
  });

  it('does not let a client choose its address', async (t) => {
    const { server } = await serveAuth(t, { loginLimit: '1/1m' });
    assert.equal((await server.post('/login', WRONG, { 'x-forwarded-for': '203.0.113.1' })).status, 401);
    assert.equal((await server.post('/login', WRONG, { 'x-forwarded-for': '203.0.113.2' })).status, 429);
  });

  it('counts by email when there is no username, and by what account says', async (t) => {
    const byEmail = await serveAuth(t, { loginLimit: '1/1m' });
    await byEmail.server.post('/login', { email: 'a@b' });
    assert.equal((await byEmail.server.post('/login', { email: 'A@B' })).status, 429);
    assert.equal((await byEmail.server.post('/login', { email: 'c@d' })).status, 401);
    const own = await serveAuth(t, { loginLimit: '1/1m' }, { account: (body) => String(body['tenant']) });
    await own.server.post('/login', { tenant: 1, username: 'a' });
    assert.equal((await own.server.post('/login', { tenant: 1, username: 'b' })).status, 429);
    assert.equal((await own.server.post('/login', { tenant: 2, username: 'a' })).status, 401);
  });

  it('ends the session whose refresh cookie came along', async (t) => {
    const { auth, sessions, server } = await serveAuth(t);
    const events: AuthEvent[] = [];
    auth.on('logout', (event) => events.push(event));
    const first = await logIn(server);
    const second = await logIn(server, { cookie: first.headers['cookie'] ?? '' });
    assert.notEqual(second.sid, first.sid);
    assert.equal(sessions.endedReason(first.sid), 'login');
    assert.equal(sessions.endedReason(second.sid), undefined);
    assert.deepEqual(events.map(({ session, reason }) => ({ session, reason })), [{ session: first.sid, reason: 'login' }]);
  });

  it('leaves that session alone when the login fails', async (t) => {
    const { sessions, server } = await serveAuth(t);
    const first = await logIn(server);
    await server.post('/login', WRONG, { cookie: first.headers['cookie'] ?? '' });
    assert.equal(sessions.endedReason(first.sid), undefined);
  });

  it('takes a junk cookie for none', async (t) => {
    const { server } = await serveAuth(t);
    for (const cookie of ['__Host-Http-keyturn=junk', '__Host-Http-keyturn=a; __Host-Http-keyturn=b', `a=${'x'.repeat(8000)}`]) {
      assert.notEqual((await logIn(server, { cookie })).accessToken, undefined);
    }
  });

  it('answers 503 when the store is down, and sets no cookie', async (t) => {
    const { auth, sessions, server } = await serveAuth(t);
    const events: AuthEvent[] = [];
    auth.on('store_down', (event) => events.push(event));
    sessions.isDown = true;
    const response = await server.post('/login', RIGHT);
    assert.equal(response.status, 503);
    assert.equal(response.headers.get('retry-after'), '2');
    assert.equal(response.headers.getSetCookie().length, 0);
    assert.doesNotMatch(await response.text(), /srv/);
    assert.equal(events[0]?.reason, 'ERR_STORE_UNAVAILABLE');
  });

  const failures: readonly (readonly [what: string, authenticate: () => unknown, status: number, code: string])[] = [
    ['throws', () => { throw new Error('hunter2 at db.internal'); }, 500, 'ERR_INTERNAL'],
    ['rejects', () => Promise.reject(new Error('hunter2')), 500, 'ERR_INTERNAL'],
    ['throws no error', () => { throw 'hunter2' as unknown as Error; }, 500, 'ERR_INTERNAL'],
    ['throws a KeyturnError', () => { throw new KeyturnError('ERR_POOL_FULL', 'hunter2'); }, 503, 'ERR_POOL_FULL'],
    ['forgets to return', () => undefined, 500, 'ERR_INTERNAL'],
    ['returns true', () => true, 500, 'ERR_INTERNAL'],
    ['returns no subject', () => ({ id: 7 }), 500, 'ERR_INTERNAL'],
    ['returns a subject that is no string', () => ({ subject: 7 }), 500, 'ERR_INTERNAL'],
  ];
  for (const [what, failing, status, code] of failures) {
    it(`answers ${String(status)} when authenticate ${what}, and tells the client nothing`, async (t) => {
      const { server } = await serveAuth(t, {}, { authenticate: failing as () => null });
      const response = await server.post('/login', RIGHT);
      assert.equal(response.status, status);
      assert.equal(response.headers.getSetCookie().length, 0);
      const text = await response.text();
      assert.match(text, new RegExp(`"${code}"`));
      assert.doesNotMatch(text, /hunter2|internal\./);
    });
  }
});
