import assert from 'node:assert/strict';
import { test } from 'node:test';

import { startDemo } from '../support/demo.js';
import { codeOf, cookiesOf } from '../support/server.js';

const MEGABYTE = 1024 * 1024;

test('whatever is sent, the demo answers with a code and stays up', async (t) => {
  const demo = await startDemo(t, { KEYTURN_LOGIN_LIMIT: '1000/1m' });
  const { server } = demo;
  const alice = await demo.logIn();
  const login = (body: string, type = 'application/json'): Promise<Response> =>
    fetch(`${server.url}/auth/login`, { method: 'POST', headers: { 'content-type': type }, body });
  const assertCode = async (response: Response, status: number, code: string): Promise<void> => {
    assert.deepEqual([response.status, await codeOf(response)], [status, code]);
  };

  await t.test('a wrong password and an unknown user are the same 401', async () => {
    const wrong = await server.post('/auth/login', { username: 'alice', password: 'wrong' });
    const unknown = await server.post('/auth/login', { username: 'nobody', password: 'wrong' });
    assert.deepEqual([wrong.status, await wrong.text()], [unknown.status, await unknown.text()]);
    await assertCode(await server.post('/auth/login', { username: 'alice', password: '' }), 401, 'ERR_LOGIN_FAILED');
  });

  await t.test('a login without the two texts is 400', async () => {
    for (const body of ['{}', '{"username":"alice"}', '{"username":["alice"],"password":{}}']) {
      await assertCode(await login(body), 400, 'ERR_BODY_INVALID');
    }
  });

  await t.test('malformed JSON is 400, another type 415', async () => {
    for (const body of ['', '{', 'null', '[]', '"alice"', '{"username":"alice"', '\u0000']) {
      await assertCode(await login(body), 400, 'ERR_BODY_INVALID');
    }
    await assertCode(await login('username=alice', 'application/x-www-form-urlencoded'), 415, 'ERR_BODY_TYPE');
    const order = { method: 'POST', headers: { ...alice.bearer, 'content-type': 'application/json' } };
    await assertCode(await fetch(`${server.url}/api/orders`, { ...order, body: '{"item"' }), 400, 'ERR_BODY_INVALID');
    await assertCode(await fetch(`${server.url}/api/orders`, { ...order, body: '{"item":7}' }), 400, 'ERR_BODY_INVALID');
  });

  await t.test('a body of 2 MB is 413', async () => {
    const body = JSON.stringify({ username: 'alice', password: 'x'.repeat(2 * MEGABYTE) });
    await assertCode(await login(body), 413, 'ERR_BODY_TOO_LARGE');
    const order = { method: 'POST', headers: { ...alice.bearer, 'content-type': 'application/json' }, body };
    await assertCode(await fetch(`${server.url}/api/orders`, order), 413, 'ERR_BODY_TOO_LARGE');
  });

  await t.test('a token of 10 MB is refused with a code', async () => {
    const answer = await server.raw(['GET /api/me HTTP/1.1', 'Host: x', `Authorization: Bearer ${'x'.repeat(10 * MEGABYTE)}`]);
    assert.match(answer, /^HTTP\/1\.1 431 /);
    assert.match(answer, /"code":"ERR_TOKEN_TOO_LARGE"/);
    const long = await server.get('/api/me', { authorization: `Bearer ${'x'.repeat(12_000)}` });
    await assertCode(long, 401, 'ERR_TOKEN_TOO_LARGE');
  });

  await t.test('tokens that are none are 401', async () => {
    const [head = '', payload = '', signature = ''] = alice.accessToken.split('.');
    const none = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url');
    for (const token of ['x', '..', alice.refreshToken, `${head}.${payload}.`, `${none}.${payload}.`, `${head}.e30.${signature}`]) {
      const response = await server.get('/api/me', { authorization: `Bearer ${token}` });
      assert.equal(response.status, 401, token);
      assert.match(await codeOf(response), /^ERR_(TOKEN|SIGNATURE|HEADER|ALGORITHM|KEY|CLAIM)_/);
    }
  });

  await t.test('a cookie with junk is 401, and taken away', async () => {
    for (const junk of ['x', 'kt1_', `kt1_${'A'.repeat(94)}`, 'a'.repeat(8_000)]) {
      const response = await server.post('/auth/refresh', undefined, { cookie: `__Host-Http-keyturn=${junk}` });
      assert.equal(cookiesOf(response).get('__Host-Http-keyturn')?.value, '');
      await assertCode(response, 401, 'ERR_REFRESH_INVALID');
    }
  });

  await t.test('a refresh without a cookie is 204, and one without the XSRF token 403', async () => {
    assert.equal((await server.post('/auth/refresh')).status, 204);
    const { cookie = '' } = alice.headers;
    await assertCode(await server.post('/auth/refresh', undefined, { cookie }), 403, 'ERR_CSRF');
    await assertCode(await server.post('/auth/logout', undefined, { ...alice.headers, origin: 'http://evil.example' }), 403, 'ERR_CSRF');
  });

  await t.test("an unknown session and another's are the same 404", async () => {
    const bob = await demo.logIn('bob');
    for (const id of ['unknown', 'A'.repeat(22), bob.sid, '%00', 'x'.repeat(4_000)]) {
      const response = await fetch(`${server.url}/auth/sessions/${id}`, { method: 'DELETE', headers: alice.bearer });
      await assertCode(response, 404, 'ERR_SESSION_UNKNOWN');
    }
    assert.equal((await server.get('/api/me', bob.bearer)).status, 200);
  });

  await t.test('bytes that are not HTTP are 400', async () => {
    assert.match(await server.raw(['\u0016\u0003\u0001 hello']), /^HTTP\/1\.1 400 [^]*"ERR_BODY_INVALID"/);
  });

  await t.test('who was logged in still is', async () => {
    assert.equal((await server.get('/api/me', alice.bearer)).status, 200);
    assert.equal((await server.post('/auth/refresh', undefined, alice.headers)).status, 200);
  });
});

test('too many logins are 429 at once, for this account alone', async (t) => {
  const demo = await startDemo(t, { KEYTURN_LOGIN_LIMIT: '3/1m' });
  const guess = (username: string): Promise<Response> => demo.server.post('/auth/login', { username, password: 'guess' });
  for (let attempt = 0; attempt < 3; attempt += 1) assert.equal((await guess('alice')).status, 401);
  const limited = await demo.logInAs('alice');
  assert.deepEqual([limited.status, await codeOf(limited)], [429, 'ERR_RATE_LIMITED']);
  assert.ok(Number(limited.headers.get('retry-after')) >= 1);
  assert.equal((await demo.logInAs('bob')).status, 200);
});
