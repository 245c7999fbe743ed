import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { describe, it, type TestContext } from 'node:test';

import { KeyturnError } from '../../dist/errors.js';
import type { AuthEvent } from '../../dist/events.js';
import { assembleAuth, type Auth, parseHttpOptions } from '../../dist/express/assemble-auth.js';
import type { Handler } from '../../dist/express/request.js';
import { FakeSessions } from '../support/fake-sessions.js';
import { codeOf, serve, type TestServer } from '../support/server.js';

interface Guarded {
  readonly auth: Auth;
  readonly sessions: FakeSessions;
  readonly server: TestServer;
}

/** A server whose requests go through the handlers in turn and are then answered with `req.auth`. */
async function guarded(t: TestContext, handlersOf: (auth: Auth) => readonly Handler[], sessions = new FakeSessions()): Promise<Guarded> {
  const auth = assembleAuth(sessions, parseHttpOptions({}));
  const handlers = handlersOf(auth);
  const server = await serve(t, (req, res) => {
    const run = (index: number): void => {
      const handler = handlers[index];
      if (handler !== undefined) handler(req, res, () => { run(index + 1); });
      else res.end(JSON.stringify((req as IncomingMessage & { auth?: unknown }).auth ?? 'nobody'));
    };
    run(0);
  });
  return { auth, sessions, server };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('a token of a key that is not known here', () => {
  const keyUnknown = () => new KeyturnError('ERR_KEY_UNKNOWN', 'no key fits');

  /** Sessions that know the key of their tokens once they have read the keys again, if ever. */
  function behind(isThere: boolean): { readonly sessions: FakeSessions; readonly looks: () => number } {
    const sessions = new FakeSessions();
    const verify = sessions.verify.bind(sessions);
    let looks = 0;
    sessions.learning = () => {
      looks += 1;
    };
    sessions.verify = (token) => {
      if (looks === 0 || !isThere) throw keyUnknown();
      return verify(token);
    };
    return { sessions, looks: () => looks };
  }

  it('is looked at a second time, after the keys have been read again', async (t) => {
    const { sessions, looks } = behind(true);
    const { server, auth } = await guarded(t, (made) => [made.requireAuth(), made.requireAuth()], sessions);
    const events: AuthEvent[] = [];
    auth.on('token_rejected', (event) => events.push(event));
    const { accessToken } = await sessions.start({ subject: 'alice' });
    assert.equal((await server.get('/', bearer(accessToken))).status, 200);
    assert.deepEqual([looks(), events.length], [1, 0]);
  });

  it('is refused then, once, if the key is not there either', async (t) => {
    const { sessions, looks } = behind(false);
    const { server, auth } = await guarded(t, (made) => [made.optionalAuth()], sessions);
    const events: AuthEvent[] = [];
    auth.on('token_rejected', (event) => events.push(event));
    const response = await server.get('/', bearer('whatever'));
    assert.deepEqual([response.status, await codeOf(response)], [401, 'ERR_KEY_UNKNOWN']);
    assert.deepEqual([looks(), events.map(({ reason }) => reason)], [1, ['ERR_KEY_UNKNOWN']]);
  });
});

describe('requireAuth', () => {
  it('sets the claims of a good token', async (t) => {
    const { sessions, server } = await guarded(t, (auth) => [auth.requireAuth()]);
    const { accessToken } = await sessions.start({ subject: 'alice', claims: { plan: 'pro' } });
    const claims = (await (await server.get('/', bearer(accessToken))).json()) as Record<string, unknown>;
    assert.equal(claims['sub'], 'alice');
    assert.equal(claims['plan'], 'pro');
  });

  it('challenges a request without a token, without an error code', async (t) => {
    const { server } = await guarded(t, (auth) => [auth.requireAuth()]);
    const response = await server.get('/?access_token=abc');
    assert.equal(response.status, 401);
    assert.equal(response.headers.get('www-authenticate'), 'Bearer');
    assert.equal(response.headers.get('cache-control'), 'no-store');
    assert.equal(await codeOf(response), 'ERR_TOKEN_MISSING');
  });

  for (const authorization of ['Bearer forged', 'Bearer a b', 'Bearer', 'Bearer \u00e9']) {
    it(`answers invalid_token to ${JSON.stringify(authorization)}`, async (t) => {
      const { server } = await guarded(t, (auth) => [auth.requireAuth()]);
      const response = await server.get('/', { authorization });
      assert.equal(response.status, 401);
      assert.match(response.headers.get('www-authenticate') ?? '', /^Bearer error="invalid_token", error_description="[^"]+"$/);
    });
  }

  it('refuses two Authorization headers', async (t) => {
    const { sessions, server } = await guarded(t, (auth) => [auth.requireAuth()]);
    const { accessToken } = await sessions.start({ subject: 'alice' });
    const line = `Authorization: Bearer ${accessToken}`;
    assert.match(await server.raw(['GET / HTTP/1.1', 'Host: x', line, line]), /^HTTP\/1\.1 401 [\s\S]*ERR_TOKEN_MALFORMED/);
    assert.match(await server.raw(['GET / HTTP/1.1', 'Host: x', line]), /^HTTP\/1\.1 200 /);
  });

  it('says which error it was, and emits an event that holds no token', async (t) => {
    const { auth, sessions, server } = await guarded(t, (a) => [a.requireAuth()]);
    const events: AuthEvent[] = [];
    auth.on('token_rejected', (event) => events.push(event));
    const { accessToken, session } = await sessions.start({ subject: 'alice' });
    await sessions.end(session.id);
    const response = await server.get('/', bearer(accessToken));
    assert.equal(await codeOf(response), 'ERR_TOKEN_REVOKED');
    const [event] = events;
    assert.equal(event?.reason, 'ERR_TOKEN_REVOKED');
    assert.equal(event.address, '127.0.0.0/24');
    assert.doesNotMatch(JSON.stringify(event), new RegExp(accessToken));
  });

  it('goes on while revocations may be missing, unless it was told otherwise', async (t) => {
    const allowing = await guarded(t, (auth) => [auth.requireAuth(), auth.optionalAuth({ onStale: 'allow' }), auth.requireRole('user')]);
    const rejecting = await guarded(t, (auth) => [auth.optionalAuth({ onStale: 'reject' })]);
    for (const { sessions, server } of [allowing, rejecting]) {
      const { accessToken } = await sessions.start({ subject: 'alice', roles: ['user'] });
      assert.equal((await server.get('/', bearer(accessToken))).status, 200);
      sessions.isStale = true;
      const response = await server.get('/', bearer(accessToken));
      if (sessions === allowing.sessions) assert.equal(response.status, 200);
      else assert.deepEqual([response.status, await codeOf(response)], [503, 'ERR_STORE_UNAVAILABLE']);
      assert.equal((await server.get('/', bearer('rubbish'))).status, 401, 'a bad token is told first');
    }
    assert.equal((await rejecting.server.get('/')).status, 200, 'nobody can have been revoked');
  });

  it('verifies once, however many guards there are', async (t) => {
    const { sessions, server } = await guarded(t, (auth) => [auth.requireAuth(), auth.optionalAuth(), auth.requireRole('user'), auth.requireAuth()]);
    const { accessToken } = await sessions.start({ subject: 'alice', roles: ['user'] });
    assert.equal((await server.get('/', bearer(accessToken))).status, 200);
    assert.equal(sessions.verifications, 1);
    assert.deepEqual(sessions.activity, [0]);
  });

  it('does not believe a req.auth that somebody else has set', async (t) => {
    const forge: Handler = (req, _res, next) => {
      (req as IncomingMessage & { auth?: unknown }).auth = { sub: 'mallory', roles: ['admin'] };
      next();
    };
    const { sessions, server } = await guarded(t, (auth) => [forge, auth.requireRole('admin')]);
    assert.equal((await server.get('/')).status, 401);
    const { accessToken } = await sessions.start({ subject: 'alice', roles: ['user'] });
    assert.equal((await server.get('/', bearer(accessToken))).status, 403);
  });

  it('is not satisfied by the guard of another application', async (t) => {
    const other = assembleAuth(new FakeSessions(), parseHttpOptions({}));
    const { sessions, server } = await guarded(t, (auth) => [auth.requireAuth(), other.requireAuth()]);
    const { accessToken } = await sessions.start({ subject: 'alice' });
    assert.equal((await server.get('/', bearer(accessToken))).status, 401);
  });

  it('notes activity as reported, and none for a background request', async (t) => {
    const { sessions, server } = await guarded(t, (auth) => [auth.requireAuth()]);
    const { accessToken } = await sessions.start({ subject: 'alice' });
    await server.get('/', { ...bearer(accessToken), 'x-keyturn-activity': '1500' });
    await server.get('/', { ...bearer(accessToken), 'x-keyturn-background': '1' });
    await server.get('/', { ...bearer(accessToken), 'x-keyturn-activity': 'soon' });
    await server.get('/', bearer(accessToken));
    assert.deepEqual(sessions.activity, [1500, 0]);
  });

  it('waits until the sessions are ready', async (t) => {
    const sessions = new FakeSessions();
    const opened = deferred();
    sessions.readiness = opened.promise;
    const { server } = await guarded(t, (auth) => [auth.requireAuth()], sessions);
    const { accessToken } = await sessions.start({ subject: 'alice' });
    const answer = server.get('/', bearer(accessToken));
    assert.equal(sessions.verifications, 0);
    opened.resolve();
    assert.equal((await answer).status, 200);
  });

  it('answers 503 when the store cannot be loaded, and recovers', async (t) => {
    const sessions = new FakeSessions();
    sessions.readiness = Promise.reject(new KeyturnError('ERR_STORE_UNAVAILABLE', 'cannot open /srv/secret.db'));
    const { auth, server } = await guarded(t, (a) => [a.requireAuth()], sessions);
    const events: AuthEvent[] = [];
    auth.on('store_down', (event) => events.push(event));
    const { accessToken } = await sessions.start({ subject: 'alice' });
    const response = await server.get('/', bearer(accessToken));
    assert.equal(response.status, 503);
    assert.equal(response.headers.get('retry-after'), '5');
    const text = await response.text();
    assert.match(text, /ERR_STORE_UNAVAILABLE/);
    assert.doesNotMatch(text, /srv/);
    assert.equal(events.length, 1);
    sessions.readiness = Promise.resolve();
    assert.equal((await server.get('/', bearer(accessToken))).status, 200);
  });

  it('refuses when verifying fails in an unforeseen way', async (t) => {
    const sessions = new FakeSessions();
    const warning = new Promise<Error>((resolve) => process.once('warning', resolve));
    t.mock.method(sessions, 'verify', () => { throw new TypeError('broken'); });
    const { server } = await guarded(t, (auth) => [auth.optionalAuth()], sessions);
    const response = await server.get('/', bearer('x'));
    assert.equal(response.status, 500);
    assert.equal(await codeOf(response), 'ERR_INTERNAL');
    assert.match((await warning).message, /broken/);
  });
});

describe('optionalAuth', () => {
  it('lets a request without a token through as nobody', async (t) => {
    const { server } = await guarded(t, (auth) => [auth.optionalAuth()]);
    assert.equal(await (await server.get('/')).json(), 'nobody');
    assert.equal(await (await server.get('/', { authorization: 'Basic dTpw' })).json(), 'nobody');
  });

  it('answers 401 to a bad token', async (t) => {
    const { server } = await guarded(t, (auth) => [auth.optionalAuth()]);
    assert.equal((await server.get('/', bearer('forged'))).status, 401);
    assert.equal((await server.get('/', { authorization: 'Bearer' })).status, 401);
  });
});

describe('requireRole and requirePermission', () => {
  const cases: readonly (readonly [what: string, handler: (auth: Auth) => Handler, claims: Readonly<Record<string, unknown>>, status: number])[] = [
    ['the role', (auth) => auth.requireRole('admin'), { roles: ['admin'] }, 200],
    ['one of two roles', (auth) => auth.requireRole('admin', 'editor'), { roles: ['user', 'editor'] }, 200],
    ['none of the roles', (auth) => auth.requireRole('admin', 'editor'), { roles: ['user'] }, 403],
    ['no roles claim', (auth) => auth.requireRole('admin'), {}, 403],
    ['an empty list', (auth) => auth.requireRole('admin'), { roles: [] }, 403],
    ['another case', (auth) => auth.requireRole('admin'), { roles: ['Admin'] }, 403],
    ['a role with a space', (auth) => auth.requireRole('admin'), { roles: ['admin '] }, 403],
    ['a wildcard', (auth) => auth.requireRole('admin'), { roles: ['*'] }, 403],
    ['a longer name', (auth) => auth.requireRole('admin'), { roles: ['administrator'] }, 403],
    ['a string for a list', (auth) => auth.requireRole('admin'), { roles: 'admin' }, 403],
    ['a string that contains the role', (auth) => auth.requireRole('admin'), { roles: 'user admin' }, 403],
    ['an object for a list', (auth) => auth.requireRole('admin'), { roles: { 0: 'admin', length: 1 } }, 403],
    ['a list in the list', (auth) => auth.requireRole('admin'), { roles: [['admin']] }, 403],
    ['a member of Object.prototype', (auth) => auth.requireRole('constructor'), { roles: ['user'] }, 403],
    ['__proto__, held', (auth) => auth.requireRole('__proto__'), { roles: ['__proto__'] }, 200],
    ['the permission as a role', (auth) => auth.requirePermission('admin'), { roles: ['admin'] }, 403],
    ['all permissions', (auth) => auth.requirePermission('a', 'b'), { permissions: ['b', 'a', 'c'] }, 200],
    ['one of two permissions', (auth) => auth.requirePermission('a', 'b'), { permissions: ['a'] }, 403],
  ];
  for (const [what, handler, claims, status] of cases) {
    it(`answer ${String(status)} to ${what}`, async (t) => {
      const { sessions, server } = await guarded(t, (auth) => [handler(auth)]);
      assert.equal((await server.get('/', bearer(await sessions.tokenWith(claims)))).status, status);
    });
  }

  it('do not read a claim that was inherited', async (t) => {
    const { sessions, server } = await guarded(t, (auth) => [auth.requireRole('admin')]);
    sessions.verify = () => Object.create({ sub: 'x', roles: ['admin'] }) as ReturnType<FakeSessions['verify']>;
    assert.equal((await server.get('/', bearer('x'))).status, 403);
  });

  it('answer 403 insufficient_scope without naming what is missing', async (t) => {
    const { sessions, server } = await guarded(t, (auth) => [auth.requireRole('secret-role')]);
    const response = await server.get('/', bearer(await sessions.tokenWith({ roles: ['user'] })));
    assert.match(response.headers.get('www-authenticate') ?? '', /^Bearer error="insufficient_scope"/);
    const text = await response.text();
    assert.match(text, /ERR_ACCESS_DENIED/);
    assert.doesNotMatch(text, /secret-role/);
  });

  it('imply requireAuth', async (t) => {
    const { server } = await guarded(t, (auth) => [auth.requirePermission('a')]);
    const response = await server.get('/');
    assert.equal(response.status, 401);
    assert.equal(response.headers.get('www-authenticate'), 'Bearer');
  });
});

describe('guard factories', () => {
  const auth = assembleAuth(new FakeSessions(), parseHttpOptions({}));
  const misuses: readonly (readonly [what: string, misuse: () => unknown, message: RegExp])[] = [
    ['no role', () => auth.requireRole(), /needs at least one name; for any signed-in user write auth\.requireAuth\(\)/],
    ['an empty role', () => auth.requireRole(''), /a string that is not empty/],
    ['an array', () => auth.requireRole(['admin', 'user'] as unknown as string), /write auth\.requireRole\("admin", "user"\)/],
    ['a number', () => auth.requirePermission(7 as unknown as string), /takes names/],
    ['another word for onStale', () => auth.requireAuth({ onStale: 'maybe' as 'allow' }), /onStale must be 'allow' or 'reject'/],
    ['a role for requireAuth', () => (auth.requireAuth as (role: string) => Handler)('admin'), /takes no arguments; for a role write auth\.requireRole\('admin'\)/],
  ];
  for (const [what, misuse, message] of misuses) {
    it(`refuse ${what}`, () => {
      assert.throws(misuse, { code: 'ERR_OPTION_INVALID', message });
    });
  }

  for (const name of ['requireAuth', 'optionalAuth', 'requireRole', 'requirePermission', 'csrf', 'jwks', 'metrics', 'router'] as const) {
    it(`say what to write when ${name} itself is used as middleware`, () => {
      const factory = auth[name] as unknown as (...args: readonly unknown[]) => unknown;
      const message = new RegExp(`write auth\\.${name}\\(\\.\\.\\.\\) where you wrote auth\\.${name}$`);
      assert.throws(() => factory({ headers: {}, socket: {} }, {}, () => undefined), { code: 'ERR_OPTION_INVALID', message });
    });
  }

  it('name the handlers that they make', () => {
    assert.equal(auth.requireAuth().name, 'requireAuth');
    assert.equal(auth.requireRole('a').name, 'requireRole');
  });

  it('make handlers that Express does not take for error handlers', () => {
    for (const handler of [auth.requireAuth(), auth.csrf(), auth.jwks(), auth.metrics()]) assert.ok(handler.length <= 3);
  });
});

function deferred(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => { resolve = done; });
  return { promise, resolve: () => { resolve(); } };
}
