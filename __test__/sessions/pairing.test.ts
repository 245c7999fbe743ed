import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { type AuthOptions, createAuth } from '../../dist/express/auth.js';
import { authenticate, logIn } from '../support/auth-server.js';
import { type ErrorBody, serve } from '../support/server.js';
import { AUDIENCE, coded, ISSUER, openSessions, STORES } from '../support/sessions.js';

for (const store of STORES) {
  describe(`refresh.pairing on the ${store.name} store`, () => {
    it("'required' asks for an access token of the session, expired or not", async (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 });
      const sessions = openSessions(t, { store: store.url(t), refresh: { pairing: 'required' } });
      const [pair, other] = [await sessions.start({ subject: 'alice' }), await sessions.start({ subject: 'alice' })];
      const refresh = (accessToken?: string) => sessions.refresh(pair.refreshToken, { accessToken });
      await assert.rejects(refresh(), coded('ERR_PAIRING', 'missing'));
      await assert.rejects(refresh(other.accessToken), coded('ERR_PAIRING', 'foreign'));
      await assert.rejects(refresh('a.b.c'), coded('ERR_PAIRING', 'foreign'));
      const next = await refresh(pair.accessToken);
      assert.equal(next.outcome, 'rotated');
      t.mock.timers.tick(301_000);
      assert.equal((await sessions.refresh(next.refreshToken, { accessToken: next.accessToken })).outcome, 'rotated');
    });

    it("'expired' asks for one that has expired to the second", async (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 });
      const sessions = openSessions(t, { store: store.url(t), refresh: { pairing: 'expired' } });
      const { refreshToken, accessToken } = await sessions.start({ subject: 'alice' });
      t.mock.timers.tick(299_999);
      await assert.rejects(sessions.refresh(refreshToken, { accessToken }), coded('ERR_PAIRING', 'unexpired'));
      t.mock.timers.tick(1);
      assert.equal((await sessions.refresh(refreshToken, { accessToken })).outcome, 'rotated');
    });

    it('takes no token that was revoked, though it has expired', async (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 });
      const sessions = openSessions(t, { store: store.url(t), refresh: { pairing: 'required' } });
      const { refreshToken, accessToken } = await sessions.start({ subject: 'alice' });
      const { jti, exp } = sessions.verify(accessToken);
      await sessions.revocation.token(jti, exp);
      t.mock.timers.tick(1_000_000);
      await assert.rejects(sessions.refresh(refreshToken, { accessToken }), coded('ERR_PAIRING', 'revoked'));
    });
  });
}

describe('refresh.pairing', () => {
  it("is 'off' by default, and then nothing is looked at", async (t) => {
    const sessions = openSessions(t);
    const { refreshToken } = await sessions.start({ subject: 'alice' });
    assert.equal((await sessions.refresh(refreshToken, { accessToken: 'junk' })).outcome, 'rotated');
  });

  it('takes three names', (t) => {
    for (const pairing of ['on', true, '']) {
      assert.throws(() => openSessions(t, { refresh: { pairing: pairing as 'off' } }), coded('ERR_OPTION_INVALID'));
    }
  });

  it('is answered over HTTP out of the Authorization header, and a refusal keeps the cookies', async (t) => {
    const options: AuthOptions = { store: 'memory:', issuer: ISSUER, audience: AUDIENCE, refresh: { pairing: 'required' } };
    const auth = createAuth(options);
    t.after(() => auth.close());
    const server = await serve(t, auth.router({ authenticate }));
    const user = await logIn(server);
    for (const headers of [{}, { authorization: 'Basic dTpw' }, { authorization: 'Bearer' }, { authorization: 'Bearer a.b.c' }]) {
      const response = await server.post('/refresh', undefined, { ...user.headers, ...headers });
      assert.equal(response.status, 401);
      assert.equal(((await response.json()) as ErrorBody).error.code, 'ERR_PAIRING');
      assert.equal(response.headers.getSetCookie().length, 0);
    }
    assert.equal((await server.post('/refresh', undefined, { ...user.headers, ...user.bearer })).status, 200);
  });
});
