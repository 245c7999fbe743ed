import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { type AuthOptions, createAuth } from '../../dist/express/auth.js';
import { authenticate, logIn, signedIn } from '../support/auth-server.js';
import { codeOf, serve } from '../support/server.js';

const OPTIONS: AuthOptions = { store: 'memory:', issuer: 'https://issuer.example', audience: 'https://api.example' };

describe('createAuth', () => {
  it('signs in, verifies, refreshes, lists and signs out on a real store', async (t) => {
    const auth = createAuth(OPTIONS);
    t.after(() => auth.close());
    const server = await serve(t, auth.router({ authenticate }));
    const api = await serve(t, (req, res) => {
      auth.requireRole('admin')(req, res, () => res.end('in'));
    });

    const first = await logIn(server);
    assert.equal(auth.sessions.verify(first.accessToken).sub, 'alice');
    assert.equal((await api.get('/', first.bearer)).status, 200);

    const second = await signedIn(await server.post('/refresh', undefined, first.headers));
    assert.equal(second.sid, first.sid);
    assert.notEqual(second.refreshToken, first.refreshToken);

    const list = (await (await server.get('/sessions', second.bearer)).json()) as { sessions: readonly { id: string; current: boolean }[] };
    assert.deepEqual(list.sessions.map(({ id, current }) => ({ id, current })), [{ id: first.sid, current: true }]);

    assert.equal((await server.post('/logout', undefined, second.headers)).status, 204);
    for (const { bearer } of [first, second]) assert.equal((await api.get('/', bearer)).status, 401);
    const over = await server.post('/refresh', undefined, second.headers);
    assert.equal(over.status, 401);
    assert.equal(await codeOf(over), 'ERR_SESSION_REVOKED');
  });

  it('lets 50 refreshes at once leave one live token and no error', async (t) => {
    const auth = createAuth(OPTIONS);
    t.after(() => auth.close());
    const server = await serve(t, auth.router({ authenticate }));
    const user = await logIn(server);
    const answers = await Promise.all(Array.from({ length: 50 }, () => server.post('/refresh', undefined, user.headers)));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    const tokens = new Set(await Promise.all(answers.map(async (answer) => (await signedIn(answer)).refreshToken)));
    assert.equal(tokens.size, 1);
  });

  it('binds sessions to what context says of a login and a refresh', async (t) => {
    const auth = createAuth({ ...OPTIONS, refresh: { binding: 'reject' }, context: (req) => String(req.headers['x-device']) });
    t.after(() => auth.close());
    const server = await serve(t, auth.router({ authenticate }));
    const home = { 'x-device': 'laptop' };
    const user = await logIn(server, home);
    const other = await logIn(server, home);
    const stolen = await server.post('/refresh', undefined, { ...user.headers, 'x-device': 'other' });
    assert.equal(stolen.status, 401);
    assert.equal(await codeOf(stolen), 'ERR_REFRESH_REFUSED');
    await server.post('/logout-all', undefined, { ...user.headers, 'x-device': 'other' });
    assert.equal(auth.sessions.verify(other.accessToken).sub, 'alice', 'a token from elsewhere ends its own session alone');
    const next = await signedIn(await server.post('/refresh', undefined, { ...other.headers, ...home }));
    await server.post('/logout-all', undefined, { ...next.headers, ...home });
    assert.throws(() => auth.sessions.verify(next.accessToken), { name: 'KeyturnError' });
  });

  it('refuses context without refresh.binding, and the other way round', () => {
    const context = (): string => '';
    assert.throws(() => createAuth({ ...OPTIONS, context }), { code: 'ERR_OPTION_INVALID', message: /add refresh: \{ binding/ });
    assert.throws(() => createAuth({ ...OPTIONS, refresh: { binding: 'report' } }), { code: 'ERR_OPTION_INVALID', message: /add context/ });
    assert.throws(() => createAuth({ ...OPTIONS, context: 'x' as never }), { code: 'ERR_OPTION_INVALID' });
  });

  it('asks refresh.onRefresh: null is 401 with the cookies cleared, a failure is 503 and leaves them', async (t) => {
    let answer: () => null | undefined = () => undefined;
    const auth = createAuth({ ...OPTIONS, refresh: { onRefresh: () => answer() } });
    t.after(() => auth.close());
    const told: string[] = [];
    auth.on('store_down', ({ type }) => told.push(type));
    t.mock.method(process, 'emitWarning', () => undefined);
    const server = await serve(t, auth.router({ authenticate }));
    const user = await logIn(server);
    answer = () => { throw new Error('directory at 10.1.2.3 is down'); };
    const failed = await server.post('/refresh', undefined, user.headers);
    assert.equal(failed.status, 503);
    assert.ok(failed.headers.has('retry-after'));
    assert.equal(failed.headers.getSetCookie().length, 0);
    assert.doesNotMatch(await failed.text(), /10\.1\.2\.3/);
    assert.deepEqual(told, [], 'the store is well');
    answer = () => null;
    const refused = await server.post('/refresh', undefined, user.headers);
    assert.equal(refused.status, 401);
    assert.equal(refused.headers.getSetCookie().length, 2);
    assert.equal(await codeOf(refused), 'ERR_REFRESH_REFUSED');
  });

  it('answers 403 to one session too many that is to be refused', async (t) => {
    const auth = createAuth({ ...OPTIONS, maxSessions: { count: 1, when: 'refuse-newest' } });
    t.after(() => auth.close());
    const server = await serve(t, auth.router({ authenticate }));
    const user = await logIn(server);
    const told: unknown[] = [];
    auth.on('login_failed', ({ subject, reason }) => told.push([subject, reason]));
    const refused = await server.post('/login', { username: 'alice', password: 'right' });
    assert.deepEqual(told, [['alice', 'ERR_SESSION_LIMIT']]);
    assert.equal(refused.status, 403);
    assert.equal(await codeOf(refused), 'ERR_SESSION_LIMIT');
    const again = await server.post('/login', { username: 'alice', password: 'right' }, user.headers);
    assert.equal(again.status, 200, 'the session of the same browser gives way to it');
  });

  it('ends every session of the user by logout-all, and only the own one with an old token', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    const auth = createAuth(OPTIONS);
    t.after(() => auth.close());
    const server = await serve(t, auth.router({ authenticate }));
    const other = await logIn(server);
    const stolen = await logIn(server);
    await server.post('/refresh', undefined, stolen.headers);
    t.mock.timers.tick(60_000);
    assert.equal((await server.post('/logout-all', undefined, stolen.headers)).status, 204);
    assert.throws(() => auth.sessions.verify(stolen.accessToken), { name: 'KeyturnError' });
    assert.equal(auth.sessions.verify(other.accessToken).sub, 'alice');
    const third = await logIn(server);
    assert.equal((await server.post('/logout-all', undefined, other.headers)).status, 204);
    for (const { accessToken } of [other, third]) assert.throws(() => auth.sessions.verify(accessToken), { name: 'KeyturnError' });
  });

  it('limits logins', async (t) => {
    const auth = createAuth({ ...OPTIONS, loginLimit: '2/1m' });
    t.after(() => auth.close());
    const server = await serve(t, auth.router({ authenticate }));
    const attempt = async () => (await server.post('/login', { username: 'alice', password: 'wrong' })).status;
    assert.deepEqual([await attempt(), await attempt(), await attempt()], [401, 401, 429]);
  });

  it('publishes public keys alone', async (t) => {
    const auth = createAuth(OPTIONS);
    t.after(() => auth.close());
    const { keys } = (await (await (await serve(t, auth.jwks())).get('/')).json()) as { keys: readonly Record<string, unknown>[] };
    assert.ok(keys.length >= 1);
    for (const key of keys) for (const secret of ['d', 'k', 'p', 'q']) assert.equal(Object.hasOwn(key, secret), false);
  });

  const mistakes: readonly (readonly [options: unknown, code: string, message: RegExp])[] = [
    [undefined, 'ERR_OPTION_INVALID', /^createAuth\(\) must be an object/],
    [{ ...OPTIONS, orgins: [] }, 'ERR_OPTION_UNKNOWN', /did you mean 'origins'/],
    [{ ...OPTIONS, isuer: 'x' }, 'ERR_OPTION_UNKNOWN', /did you mean 'issuer'/],
    [{ ...OPTIONS, cookie: { name: 'x' } }, 'ERR_OPTION_INVALID', /must begin with '__Host-'/],
    [{ ...OPTIONS, trustProxy: true }, 'ERR_OPTION_INVALID', /^trustProxy/],
    [{ ...OPTIONS, issuer: 7 }, 'ERR_OPTION_INVALID', /issuer/],
  ];
  for (const [options, code, message] of mistakes) {
    it(`refuses ${JSON.stringify(options)}: ${message.source}`, () => {
      assert.throws(() => createAuth(options as AuthOptions), { code, message });
    });
  }
});
