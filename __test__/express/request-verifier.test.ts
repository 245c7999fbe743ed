import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';

import { type AuthOptions, createAuth } from '../../dist/express/auth.js';
import { authenticate, logIn, type SignedIn } from '../support/auth-server.js';
import { codeOf, serve, type TestServer } from '../support/server.js';

const OPTIONS: AuthOptions = {
  store: 'memory:', issuer: 'https://issuer.example', audience: 'https://api.example', idle: '10m', access: { ttl: '9m' },
};

interface Visit {
  readonly user: SignedIn;
  readonly auth: TestServer;
  /** A request to the application 5 minutes after the login, with these headers. */
  readonly atFiveMinutes: (headers: Readonly<Record<string, string>>) => Promise<void>;
  /** The refresh that comes 12 minutes after the login, 2 minutes past the idle end if the request did not count. */
  readonly atTwelveMinutes: (headers?: Readonly<Record<string, string>>) => Promise<Response>;
}

async function visit(t: TestContext, options: Partial<AuthOptions> = {}): Promise<Visit> {
  t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 });
  const auth = createAuth({ ...OPTIONS, ...options });
  t.after(() => auth.close());
  const router = await serve(t, auth.router({ authenticate }));
  const api = await serve(t, (req, res) => { auth.requireAuth()(req, res, () => res.end('in')); });
  const user = await logIn(router);
  return {
    user,
    auth: router,
    async atFiveMinutes(headers) {
      t.mock.timers.tick(5 * 60_000);
      assert.equal((await api.get('/', { ...user.bearer, ...headers })).status, 200);
    },
    atTwelveMinutes(headers = {}) {
      t.mock.timers.tick(7 * 60_000);
      return router.post('/refresh', undefined, { ...user.headers, ...headers });
    },
  };
}

describe('activity on access tokens', () => {
  it('keeps a session alive by plain requests, without anything being stored in between', async (t) => {
    const { atFiveMinutes, atTwelveMinutes } = await visit(t);
    await atFiveMinutes({});
    assert.equal((await atTwelveMinutes()).status, 200);
  });

  const idle: readonly (readonly [what: string, options: Partial<AuthOptions>, headers: Readonly<Record<string, string>>])[] = [
    ['a background request', {}, { 'x-keyturn-background': '1' }],
    ['a request that reports older input', {}, { 'x-keyturn-activity': String(4 * 60_000) }],
    ['an unreadable report', {}, { 'x-keyturn-activity': 'now' }],
    ["a plain request where activity is 'reported'", { activity: 'reported' }, {}],
  ];
  for (const [what, options, headers] of idle) {
    it(`does not keep a session alive by ${what}, and no report at the refresh revives it`, async (t) => {
      const { atFiveMinutes, atTwelveMinutes } = await visit(t, options);
      await atFiveMinutes(headers);
      const response = await atTwelveMinutes({ 'x-keyturn-activity': '0' });
      assert.equal(response.status, 401);
      assert.equal(await codeOf(response), 'ERR_SESSION_EXPIRED');
    });
  }

  it("keeps a session alive by a report where activity is 'reported'", async (t) => {
    const { atFiveMinutes, atTwelveMinutes } = await visit(t, { activity: 'reported' });
    await atFiveMinutes({ 'x-keyturn-activity': '1000', 'x-keyturn-background': '1' });
    assert.equal((await atTwelveMinutes()).status, 200);
  });

  it('does not move activity by refreshes without a report, however many', async (t) => {
    const { user, auth } = await visit(t);
    t.mock.timers.tick(8 * 60_000);
    assert.equal((await auth.post('/refresh', undefined, user.headers)).status, 200);
    t.mock.timers.tick(1000);
    const response = await auth.post('/refresh', undefined, user.headers);
    const { session } = (await response.json()) as { session: { idleEndsAt: number } };
    assert.equal(session.idleEndsAt, 1_800_000_600_000);
  });
});
