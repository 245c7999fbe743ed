import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { KeyturnError, type KeyturnErrorCode } from '../../../dist/errors.js';
import type { AuthEvent } from '../../../dist/events.js';
import { logIn, serveAuth, signedIn } from '../../support/auth-server.js';
import { codeOf, cookiesOf, type ErrorBody } from '../../support/server.js';

/** Both cookies are deleted. */
function areCleared(response: Response): boolean {
  const cookies = cookiesOf(response);
  return ['__Host-Http-keyturn', 'XSRF-TOKEN'].every((name) => cookies.get(name)?.attributes.includes('Max-Age=0') === true);
}

describe('POST /refresh', () => {
  it('answers with the next pair in the shape of a login', async (t) => {
    const { server } = await serveAuth(t);
    const first = await logIn(server);
    const response = await server.post('/refresh', undefined, first.headers);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('cache-control'), 'no-store');
    const body = (await response.clone().json()) as object;
    assert.deepEqual(Object.keys(body), ['accessToken', 'expiresIn', 'now', 'session']);
    const second = await signedIn(response);
    assert.equal(second.sid, first.sid);
    assert.notEqual(second.refreshToken, first.refreshToken);
    assert.equal((await server.post('/refresh', undefined, second.headers)).status, 200);
  });

  it('answers 204 without a cookie, with no cookie set', async (t) => {
    const { server } = await serveAuth(t);
    for (const headers of [{}, { cookie: 'a=1' }, { cookie: 'XSRF-TOKEN=x', 'x-xsrf-token': 'x' }]) {
      const response = await server.post('/refresh', undefined, headers);
      assert.equal(response.status, 204);
      assert.equal(response.headers.getSetCookie().length, 0);
    }
  });

  for (const cookie of ['__Host-Http-keyturn=', '__Host-Http-keyturn=junk', '__Host-Http-keyturn="x"', `__Host-Http-keyturn=${'x'.repeat(8000)}`, '__Host-Http-keyturn=a; __Host-Http-keyturn=b']) {
    it(`answers 401 to ${cookie.slice(0, 60)} and clears the cookies, without the store`, async (t) => {
      const { sessions, server } = await serveAuth(t);
      sessions.isDown = true;
      const response = await server.post('/refresh', undefined, { cookie });
      assert.equal(response.status, 401);
      assert.equal(response.headers.get('www-authenticate'), 'Bearer');
      assert.ok(areCleared(response));
      assert.equal(await codeOf(response), 'ERR_REFRESH_INVALID');
    });
  }

  it('refuses two refresh cookies even if one is good, also in two Cookie headers', async (t) => {
    const { server } = await serveAuth(t);
    const { refreshToken, csrfToken } = await logIn(server);
    const answer = await server.raw([
      'POST /refresh HTTP/1.1',
      'Host: x',
      `Cookie: __Host-Http-keyturn=${refreshToken}`,
      'Cookie: __Host-Http-keyturn=evil',
      `X-XSRF-TOKEN: ${csrfToken}`,
    ]);
    assert.match(answer, /^HTTP\/1\.1 401 /);
  });

  it('answers 403 to a missing or wrong XSRF token, whatever the readable cookie says, and changes nothing', async (t) => {
    const { server } = await serveAuth(t);
    const user = await logIn(server);
    const other = await logIn(server);
    const cookie = `__Host-Http-keyturn=${user.refreshToken}`;
    const attempts: readonly Readonly<Record<string, string>>[] = [
      { cookie },
      { cookie, 'x-xsrf-token': '' },
      { cookie: `${cookie}; XSRF-TOKEN=wrong`, 'x-xsrf-token': 'wrong' },
      { cookie: `${cookie}; XSRF-TOKEN=${user.csrfToken}` },
      { cookie, 'x-xsrf-token': other.csrfToken },
      { cookie, 'x-xsrf-token': `${user.csrfToken}, ${user.csrfToken}` },
    ];
    for (const headers of attempts) {
      const response = await server.post('/refresh', undefined, headers);
      assert.equal(response.status, 403);
      assert.equal(response.headers.getSetCookie().length, 0);
      const { error } = (await response.json()) as ErrorBody;
      assert.deepEqual([error.code, error.reason], ['ERR_CSRF', 'token']);
    }
    assert.equal((await server.post('/refresh', undefined, user.headers)).status, 200);
  });

  for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }, { origin: 'null' }, { origin: 'https://evil.example' }]) {
    it(`answers 403 to ${JSON.stringify(headers)} before it looks at a cookie`, async (t) => {
      const { server } = await serveAuth(t);
      const user = await logIn(server);
      assert.equal((await server.post('/refresh', undefined, { ...user.headers, ...headers })).status, 403);
      assert.equal((await server.post('/refresh', undefined, headers)).status, 403);
    });
  }

  it('lets a listed origin refresh', async (t) => {
    const { server } = await serveAuth(t, { origins: ['https://app.example'] });
    const user = await logIn(server);
    const response = await server.post('/refresh', undefined, { ...user.headers, origin: 'https://app.example', 'sec-fetch-site': 'same-site' });
    assert.equal(response.status, 200);
  });

  it('lets 50 at once through, which leave one live token', async (t) => {
    const { server } = await serveAuth(t);
    const user = await logIn(server);
    const answers = await Promise.all(Array.from({ length: 50 }, () => server.post('/refresh', undefined, user.headers)));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    assert.equal(new Set(answers.map((answer) => cookiesOf(answer).get('__Host-Http-keyturn')?.value)).size, 1);
  });

  it('stops a client in a loop', async (t) => {
    const { sessions, server } = await serveAuth(t);
    assert.ok(sessions.limiters.some(({ limit }) => limit === 600));
    const user = await logIn(server);
    let headers = user.headers;
    let last = await server.post('/refresh', undefined, headers);
    for (let i = 0; i < 700 && last.status === 200; i += 1) {
      ({ headers } = await signedIn(last));
      last = await server.post('/refresh', undefined, headers);
    }
    assert.equal(last.status, 429);
    assert.notEqual(last.headers.get('retry-after'), null);
    assert.equal(last.headers.getSetCookie().length, 0);
    assert.equal(sessions.endedReason(user.sid), undefined);
  });

  const ends: readonly (readonly [code: KeyturnErrorCode, reason: string | undefined])[] = [
    ['ERR_REFRESH_INVALID', undefined],
    ['ERR_REFRESH_REUSED', 'reuse'],
    ['ERR_SESSION_REVOKED', 'logout'],
    ['ERR_SESSION_EXPIRED', 'idle'],
    ['ERR_SESSION_EXPIRED', 'absolute'],
  ];
  for (const [code, reason] of ends) {
    it(`answers 401 ${code} (${reason ?? 'no reason'}) and clears both cookies`, async (t) => {
      const { sessions, server } = await serveAuth(t);
      const user = await logIn(server);
      sessions.refresh = () => Promise.reject(new KeyturnError(code, 'over', { reason }));
      const response = await server.post('/refresh', undefined, user.headers);
      assert.equal(response.status, 401);
      assert.ok(areCleared(response));
      const { error } = (await response.json()) as ErrorBody;
      assert.deepEqual([error.code, error.reason], [code, reason]);
    });
  }

  it('answers 503 when the store is down and leaves the cookies alone', async (t) => {
    const { auth, sessions, server } = await serveAuth(t);
    const events: AuthEvent[] = [];
    auth.on('store_down', (event) => events.push(event));
    const user = await logIn(server);
    sessions.isDown = true;
    const response = await server.post('/refresh', undefined, user.headers);
    assert.equal(response.status, 503);
    assert.equal(response.headers.get('retry-after'), '2');
    assert.equal(response.headers.getSetCookie().length, 0);
    assert.equal(events.length, 1);
    sessions.isDown = false;
    assert.equal((await server.post('/refresh', undefined, user.headers)).status, 200);
  });

  it("passes the client's report of activity on, and nothing else", async (t) => {
    const { sessions, server } = await serveAuth(t);
    const user = await logIn(server);
    for (const headers of [{ 'x-keyturn-activity': '1500' }, {}, { 'x-keyturn-activity': '-1' }]) {
      assert.equal((await server.post('/refresh', undefined, { ...user.headers, ...headers })).status, 200);
    }
    assert.deepEqual(sessions.reports, [1500, undefined, undefined]);
  });
});
