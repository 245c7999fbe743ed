import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { createSigner, createVerifier, generateKey } from 'keyturn';

import { coded, openSessions, STORES } from '../support/sessions.js';

for (const store of STORES) {
  describe(`revocation on the ${store.name} store`, () => {
    it('kills one token and leaves its session alone', async (t) => {
      const sessions = openSessions(t, { store: store.url(t) });
      const { accessToken, refreshToken } = await sessions.start({ subject: 'alice' });
      const claims = sessions.verify(accessToken);
      assert.equal(sessions.revocation.isRevoked(claims), false);
      await sessions.revocation.token(claims.jti, claims.exp);
      assert.equal(sessions.revocation.isRevoked(claims), true);
      assert.throws(() => sessions.verify(accessToken), coded('ERR_TOKEN_REVOKED', 'token'));
      const next = await sessions.refresh(refreshToken);
      assert.equal(sessions.verify(next.accessToken).sub, 'alice');
    });

    it('makes older roles stale, and every session gets the new ones at its next refresh', async (t) => {
      const sessions = openSessions(t, { store: store.url(t) });
      const alice = { subject: 'alice', roles: ['user'], permissions: ['a:b'], claims: { tenant: 7 } };
      const pairs = [await sessions.start(alice), await sessions.start(alice)];
      const bob = await sessions.start({ subject: 'bob' });
      await sessions.revocation.permissions('alice', { roles: ['admin'] });
      assert.equal(sessions.verify(bob.accessToken).sub, 'bob');
      for (const { accessToken, refreshToken } of pairs) {
        assert.throws(() => sessions.verify(accessToken), coded('ERR_PERMISSIONS_STALE'));
        const next = await sessions.refresh(refreshToken);
        const { roles, permissions, tenant } = sessions.verify(next.accessToken);
        assert.deepEqual({ roles, permissions, tenant }, { roles: ['admin'], permissions: ['a:b'], tenant: 7 });
      }
      const later = await sessions.start(alice);
      assert.deepEqual(sessions.verify(later.accessToken).roles, ['user'], 'a sign-in brings its own roles');
    });

    it('kills a session, a subject and everything, with what could refresh them', async (t) => {
      const sessions = openSessions(t, { store: store.url(t) });
      const kill: readonly ((pair: { sid: string }) => Promise<void>)[] = [
        ({ sid }) => sessions.revocation.session(sid),
        () => sessions.revocation.subject('alice'),
        () => sessions.revocation.everything(),
      ];
      for (const revoke of kill) {
        const { accessToken, refreshToken, session } = await sessions.start({ subject: 'alice' });
        await revoke({ sid: session.id });
        assert.throws(() => sessions.verify(accessToken), coded('ERR_TOKEN_REVOKED'));
        await assert.rejects(sessions.refresh(refreshToken), coded('ERR_SESSION_REVOKED', 'revoked'));
      }
      await sessions.revocation.session('A'.repeat(22));
    });

    it('kills everything that a key signed', async (t) => {
      const sessions = openSessions(t, { store: store.url(t), keys: [generateKey('HS256', { kid: 'old' })] });
      const { accessToken } = await sessions.start({ subject: 'alice' });
      await sessions.revocation.key('other');
      assert.equal(sessions.verify(accessToken).sub, 'alice');
      await sessions.revocation.key('old');
      assert.throws(() => sessions.verify(accessToken), coded('ERR_TOKEN_REVOKED', 'key'));
    });
  });
}

describe('a cut-off', () => {
  it('compares with the start of the session, so that a later refresh does not escape it', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 });
    const sessions = openSessions(t);
    const old = await sessions.start({ subject: 'alice' });
    t.mock.timers.tick(5000);
    const between = Date.now() / 1000;
    t.mock.timers.tick(5000);
    const fresh = await sessions.start({ subject: 'alice' });
    const refreshed = await sessions.refresh(old.refreshToken);
    await sessions.revocation.subject('alice', { before: between });
    for (const { accessToken } of [old, refreshed]) {
      assert.throws(() => sessions.verify(accessToken), coded('ERR_TOKEN_REVOKED', 'subject'));
    }
    assert.equal(sessions.verify(fresh.accessToken).sub, 'alice');
  });

  it('is a time in seconds that is not in the future', async (t) => {
    const { revocation } = openSessions(t);
    for (const before of [Date.now(), Date.now() / 1000 + 60, -1, NaN, '0' as unknown as number]) {
      await assert.rejects(revocation.subject('alice', { before }), coded('ERR_OPTION_INVALID'));
      await assert.rejects(revocation.everything({ before }), coded('ERR_OPTION_INVALID'));
    }
    await assert.rejects(revocation.token('a', Date.now()), /milliseconds/);
    await assert.rejects(revocation.token('', 1), coded('ERR_OPTION_INVALID'));
    await assert.rejects(revocation.session('short'), coded('ERR_OPTION_INVALID'));
    await assert.rejects(revocation.subject('', {}), coded('ERR_OPTION_INVALID'));
    await assert.rejects(revocation.everything({ after: 1 } as never), coded('ERR_OPTION_UNKNOWN'));
  });
});

describe('a verifier with revocation', () => {
  it('refuses revoked tokens of any issuer, and those that live longer than a day', async (t) => {
    const sessions = openSessions(t, { store: STORES[1]?.url(t) ?? '' });
    const key = generateKey('HS256');
    const sign = createSigner({ key });
    const verify = createVerifier({ key, revocation: sessions.revocation });
    const token = sign({ sub: 'partner' }, { jti: 'one' });
    assert.throws(() => verify(token), coded('ERR_NOT_READY'));
    assert.throws(() => sessions.revocation.isRevoked({ jti: 'one' }), coded('ERR_NOT_READY'));
    assert.throws(() => createVerifier({ key, revocation: sessions.revocation, clockTolerance: '61s' }), coded('ERR_OPTION_INVALID'));
    await sessions.ready();
    const { exp } = verify(token);
    await sessions.revocation.token('one', exp ?? 0);
    assert.throws(() => verify(token), coded('ERR_TOKEN_REVOKED', 'token'));
    assert.equal(verify(sign({ sub: 'partner' }, { jti: 'two' })).jti, 'two');
    assert.throws(() => verify(sign({ sub: 'partner' }, { expiresIn: '25h' })), coded('ERR_CLAIM_INVALID'));
    assert.throws(() => createVerifier({ key, revocation: {} as never }), coded('ERR_OPTION_INVALID'));
  });

  it('judges a token without a session by its whole second, and the doubtful one is dead', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_500 });
    const sessions = openSessions(t);
    await sessions.ready();
    const key = generateKey('HS256');
    const sign = createSigner({ key });
    const verify = createVerifier({ key, revocation: sessions.revocation });
    const doubtful = sign({ sub: 'partner' });
    await sessions.revocation.subject('partner');
    assert.throws(() => verify(doubtful), coded('ERR_TOKEN_REVOKED', 'subject'));
    t.mock.timers.tick(500);
    assert.equal(verify(sign({ sub: 'partner' })).sub, 'partner');
  });
});

describe('revocation.permissions', () => {
  it('refuses what makes no sense, and needs somebody to say the new roles', async (t) => {
    const sessions = openSessions(t);
    const { accessToken } = await sessions.start({ subject: 'alice' });
    const change = (subject: unknown, rights?: unknown): Promise<void> => sessions.revocation.permissions(subject as string, rights as object);
    await assert.rejects(change(''), coded('ERR_OPTION_INVALID'));
    await assert.rejects(change('alice', { role: [] }), coded('ERR_OPTION_UNKNOWN'));
    await assert.rejects(change('alice', { roles: 'admin' }), coded('ERR_OPTION_INVALID'));
    await assert.rejects(change('alice', { claims: {} }), coded('ERR_OPTION_UNKNOWN'));
    await assert.rejects(change('alice'), /refresh\.onRefresh/);
    await assert.rejects(change('alice', {}), coded('ERR_OPTION_INVALID'));
    assert.equal(sessions.verify(accessToken).sub, 'alice');
    await change('nobody', { roles: [] });
  });
});
