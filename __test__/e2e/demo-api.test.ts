import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { SignedIn } from '../support/auth-server.js';
import { sqliteStore, startDemo } from '../support/demo.js';
import { codeOf, cookiesOf, type TestServer } from '../support/server.js';

const ISSUER = 'https://demo.keyturn.example';

test('each user gets what his roles and permissions cover', async (t) => {
  const demo = await startDemo(t);
  const { server } = demo;
  const statuses = async ({ bearer }: Pick<SignedIn, 'bearer'>): Promise<readonly number[]> => {
    const calls = [server.get('/api/me', bearer), server.get('/api/admin', bearer), server.get('/api/reports', bearer)];
    const order = server.post('/api/orders', { item: 'tea' }, bearer);
    return (await Promise.all([...calls, order])).map(({ status }) => status);
  };
  assert.deepEqual(await statuses(await demo.logIn('alice')), [200, 200, 200, 201]);
  const bob = await demo.logIn('bob');
  assert.deepEqual(await statuses(bob), [200, 403, 403, 201]);
  assert.deepEqual(await statuses({ bearer: {} }), [401, 401, 401, 401]);

  const denied = await server.get('/api/admin', bob.bearer);
  assert.match(denied.headers.get('www-authenticate') ?? '', /error="insufficient_scope"/);
  assert.equal(await codeOf(denied), 'ERR_ACCESS_DENIED');
  const anonymous = await server.get('/api/admin');
  assert.deepEqual([anonymous.headers.get('www-authenticate'), await codeOf(anonymous)], ['Bearer', 'ERR_TOKEN_MISSING']);
});

test('GET /api/me answers with the claims of the caller', async (t) => {
  const demo = await startDemo(t);
  const alice = await demo.logIn('alice');
  const response = await demo.server.get('/api/me', alice.bearer);
  assert.equal(response.headers.get('cache-control'), 'no-store');
  const { sub, sid, iss, roles, permissions } = (await response.json()) as Readonly<Record<string, unknown>>;
  assert.deepEqual({ sub, sid, iss, roles, permissions }, {
    sub: 'alice',
    sid: alice.sid,
    iss: ISSUER,
    roles: ['admin', 'user'],
    permissions: ['reports:read', 'orders:write'],
  });
});

test('a login answers as documented and sets both cookies', async (t) => {
  const demo = await startDemo(t, { KEYTURN_ACCESS_TTL: '2m', KEYTURN_IDLE: '10m', KEYTURN_ABSOLUTE: '1h' });
  const response = await demo.logInAs('bob');
  const body = (await response.json()) as {
    readonly accessToken: string;
    readonly expiresIn: number;
    readonly now: number;
    readonly session: Readonly<Record<string, unknown>> & { readonly id: string; readonly startedAt: number };
  };
  assert.deepEqual(Object.keys(body).sort(), ['accessToken', 'expiresIn', 'now', 'session']);
  assert.equal(body.expiresIn, 120);
  assert.ok(Math.abs(body.now - Date.now()) < 60_000);
  const { id, startedAt, ...ends } = body.session;
  assert.match(id, /^[\w-]{22}$/);
  assert.deepEqual(ends, { idleEndsAt: startedAt + 600_000, absoluteEndsAt: startedAt + 3_600_000 });

  const cookies = cookiesOf(response);
  assert.deepEqual(cookies.get('__Host-Http-keyturn')?.attributes, ['Path=/', 'Secure', 'SameSite=Strict', 'HttpOnly', 'Max-Age=3600']);
  assert.deepEqual(cookies.get('XSRF-TOKEN')?.attributes, ['Path=/', 'Secure', 'SameSite=Strict', 'Max-Age=3600']);
  assert.ok(!JSON.stringify(body).includes(cookies.get('__Host-Http-keyturn')?.value ?? ''));
});

test('the published keys verify an access token in jose', async (t) => {
  const demo = await startDemo(t, { KEYTURN_STORE: sqliteStore(t) });
  const { createLocalJWKSet, jwtVerify } = await import('jose');
  const jwks = await demo.server.get('/.well-known/jwks.json');
  const keys = createLocalJWKSet((await jwks.json()) as Parameters<typeof createLocalJWKSet>[0]);
  const { accessToken } = await demo.logIn();
  const { payload } = await jwtVerify(accessToken, keys, { issuer: ISSUER, audience: 'keyturn-demo', typ: 'at+jwt' });
  assert.equal(payload.sub, 'alice');
});

test('health, metrics and the page answer with sensible headers', async (t) => {
  const { server } = await startDemo(t);
  assert.deepEqual(await (await server.get('/healthz')).json(), { status: 'ok' });
  assert.match(await (await server.get('/metrics')).text(), /^keyturn_events_total\{type="login_ok"\} 0$/m);

  const types: Record<string, string> = {
    '/': 'text/html; charset=utf-8',
    '/main.mjs': 'text/javascript; charset=utf-8',
    '/style.css': 'text/css; charset=utf-8',
    '/favicon.svg': 'image/svg+xml',
  };
  for (const [path, type] of Object.entries(types)) {
    const { status, headers } = await server.get(path);
    assert.deepEqual([status, headers.get('content-type'), headers.get('cache-control')], [200, type, 'no-cache'], path);
    const again = { 'if-none-match': headers.get('etag') ?? '', 'cache-control': 'max-age=0' };
    assert.equal((await server.get(path, again)).status, 304, path);
  }
});

test('nothing inline, nothing foreign and no plain http is upgraded', async (t) => {
  const { server } = await startDemo(t);
  const { headers } = await server.get('/');
  const policy = headers.get('content-security-policy') ?? '';
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /script-src 'self'(;|$)/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe|upgrade-insecure-requests/);
  assert.equal(headers.get('strict-transport-security'), null);
  assert.equal(headers.get('x-content-type-options'), 'nosniff');
  assert.equal(headers.get('x-powered-by'), null);
});

test('what is not there is 404, and so is the test surface', async (t) => {
  const { server } = await startDemo(t);
  await assertUnknown(server, '/nothing', '/api/nothing', '/auth/nothing', '/__test/advance', '/tsconfig.json', '/%ff', '/../main.js');
});

async function assertUnknown(server: TestServer, ...paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const response = await server.get(path);
    assert.deepEqual([response.status, await codeOf(response)], [404, 'ERR_ROUTE_UNKNOWN'], path);
  }
}
