import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { type AuthEvent, createSessions, createVerifier, generateKey, importKeySet, type Sessions } from 'keyturn';

import { internalsOf } from '../../dist/sessions/internals.js';
import { AUDIENCE, coded, ISSUER, openSessions, STORES, temporaryFolder } from '../support/sessions.js';

const HOUR_MS = 3_600_000;

const kidOf = (token: string): unknown => (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid?: unknown }).kid;

const states = (sessions: Sessions): string[] => sessions.keys.keys.map(({ state }) => state);

for (const { name, url } of STORES) {
  describe(`the keys in a ${name} store`, () => {
    it('are one Ed25519 key at first', async (t) => {
      const sessions = openSessions(t, { store: url(t) });
      assert.throws(() => sessions.keys.keys, coded('ERR_NOT_READY'));
      await sessions.ready();
      const [key] = sessions.keys.keys;
      assert.deepEqual([sessions.keys.keys.length, key?.alg, key?.state], [1, 'EdDSA', 'active']);
      assert.equal(kidOf((await sessions.start({ subject: 'alice' })).accessToken), key?.kid);
    });

    it('rotate when they are told to, and nobody is signed out', async (t) => {
      const sessions = openSessions(t, { store: url(t) });
      const before = await sessions.start({ subject: 'alice' });
      const published = await sessions.keys.publish();
      assert.deepEqual(states(sessions), ['active', 'published']);
      assert.equal(await sessions.keys.publish(), published);
      assert.equal(await sessions.keys.rotate(), published);
      assert.deepEqual(states(sessions), ['active', 'retiring']);
      assert.equal(sessions.verify(before.accessToken).sub, 'alice');
      const after = await sessions.refresh(before.refreshToken);
      assert.equal(kidOf(after.accessToken), published);
      assert.deepEqual(sessions.keys.jwks().keys.map(({ kid }) => kid), sessions.keys.keys.map(({ kid }) => kid));
    });

    it('retire and are revoked one by one', async (t) => {
      const sessions = openSessions(t, { store: url(t) });
      const { accessToken, refreshToken } = await sessions.start({ subject: 'alice' });
      const kid = String(kidOf(accessToken));
      await sessions.keys.retire(kid, { within: '1h' });
      assert.equal(sessions.verify(accessToken).sub, 'alice');
      await sessions.keys.revoke(kid);
      assert.throws(() => sessions.verify(accessToken), coded('ERR_KEY_UNKNOWN'));
      assert.deepEqual(states(sessions), ['active', 'revoked']);
      assert.equal(sessions.verify((await sessions.refresh(refreshToken)).accessToken).sub, 'alice');
      await sessions.keys.revoke(kid);
      await assert.rejects(sessions.keys.retire('nobody'), coded('ERR_OPTION_INVALID'));
      await assert.rejects(sessions.keys.revoke(''), coded('ERR_OPTION_INVALID'));
    });

    it('that are revoked are refused by verifiers that have the key from elsewhere, too', async (t) => {
      const sessions = openSessions(t, { store: url(t) });
      const { accessToken } = await sessions.start({ subject: 'alice' });
      const key = importKeySet({ keys: [...sessions.keys.jwks().keys] });
      const verify = createVerifier({ key, audience: AUDIENCE, revocation: sessions.revocation });
      assert.equal(verify(accessToken)['sub'], 'alice');
      await sessions.keys.revoke(String(kidOf(accessToken)));
      assert.throws(() => verify(accessToken), coded('ERR_TOKEN_REVOKED'));
    });

    it('for refresh and CSRF tokens rotate without a logout', async (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
      const sessions = openSessions(t, { store: url(t) });
      const { refreshToken, session } = await sessions.start({ subject: 'alice' });
      const internals = internalsOf(sessions);
      const before = internals.csrfToken(session.id);
      await sessions.keys.rotateSecrets();
      assert.equal(internals.csrfToken(session.id), before, 'announced only');
      t.mock.timers.tick(61_000);
      const rotated = await sessions.refresh(refreshToken);
      assert.notEqual(rotated.refreshToken.slice(0, 6), refreshToken.slice(0, 6), 'the key stands in the first byte');
      assert.equal((await sessions.refresh(refreshToken)).refreshToken, rotated.refreshToken);
      assert.notEqual(internals.csrfToken(session.id), before);
      assert.ok(internals.csrfMatches(session.id, before) && internals.csrfMatches(session.id, internals.csrfToken(session.id)));
    });

    it('rotate by a schedule, of which the event tells', async (t) => {
      t.mock.timers.enable({ apis: ['Date', 'setInterval'], now: Date.now() });
      // The steady clock goes along: these hours pass, and nobody sets a clock.
      t.mock.method(performance, 'now', () => Date.now());
      const sessions = openSessions(t, { store: url(t), keys: { rotateEvery: '48h' } });
      await sessions.ready();
      const [first] = sessions.keys.keys;
      const events: AuthEvent[] = [];
      internalsOf(sessions).events.on('key_rotated', (event) => events.push(event));
      const pass = async (hours: number): Promise<string[]> => {
        t.mock.timers.setTime(Date.now() + hours * HOUR_MS);
        await turn();
        await turn();
        return states(sessions);
      };
      const turn = async (): Promise<void> => {
        t.mock.timers.tick(5000);
        await sessions.list('nobody');
        await sessions.list('nobody');
      };
      assert.deepEqual(await pass(46), ['active']);
      assert.deepEqual(await pass(1), ['active', 'published']);
      assert.deepEqual(await pass(1), ['active', 'retiring']);
      await turn();
      assert.notEqual(sessions.keys.keys[0]?.kid, first?.kid);
      assert.deepEqual(events.map(({ reason }) => reason), [sessions.keys.keys[0]?.kid]);
      assert.deepEqual(await pass(25), ['active']);
    });
  });
}

describe('options for the keys in the store', () => {
  const refused = (keys: unknown): (() => unknown) => () =>
    createSessions({ store: 'memory:', issuer: ISSUER, audience: AUDIENCE, keys: keys as [] });

  it('choose the algorithm of the keys that are made', async (t) => {
    for (const alg of ['ES256', 'HS256'] as const) {
      const sessions = openSessions(t, { keys: { alg } });
      const { accessToken } = await sessions.start({ subject: 'alice' });
      assert.equal(sessions.verify(accessToken).sub, 'alice');
      assert.equal(sessions.keys.keys[0]?.alg, alg);
      assert.equal(sessions.keys.jwks().keys.length, alg === 'HS256' ? 0 : 1);
    }
  });

  it('that make no sense are refused, saying what to write', () => {
    assert.throws(refused({ rotate: '1d' }), coded('ERR_OPTION_UNKNOWN'));
    assert.throws(refused({ alg: 'none' }), coded('ERR_OPTION_INVALID'));
    assert.throws(refused({ rotateEvery: 'daily' }), coded('ERR_OPTION_INVALID'));
    assert.throws(refused({ rotateEvery: '30m' }), /publishFor must not be longer than keys.rotateEvery/);
    assert.throws(refused({ rotateEvery: '10m', publishFor: '10m' }), /too short for absolute: more than 32 keys/);
    assert.throws(refused({ publishFor: '5m' }), /301 seconds/);
    for (const keys of [null, 'keys', 5, []]) assert.throws(refused(keys), /keys/);
  });

  it('do not go with a ring of another kind that is there already', async (t) => {
    const store = `sqlite:${join(temporaryFolder(t), 'keyturn.db')}`;
    const first = openSessions(t, { store });
    await first.ready();
    await first.close();
    const second = openSessions(t, { store, keys: { alg: 'HS256' } });
    await assert.rejects(second.ready(), coded('ERR_OPTION_INVALID'));
  });

  it('are the same for all who share a store', async (t) => {
    const first = openSessions(t, { store: 'memory:keys-options' });
    await first.ready();
    assert.throws(
      () => createSessions({ store: 'memory:keys-options', issuer: ISSUER, audience: AUDIENCE, keys: { rotateEvery: '7d' } }),
      coded('ERR_OPTION_INVALID'),
    );
  });
});

describe('sessions with keys of their own', () => {
  it('publish them, and leave their rotation to whoever made them', async (t) => {
    const key = generateKey('EdDSA', { kid: 'mine' });
    const sessions = openSessions(t, { keys: [key] });
    await sessions.ready();
    assert.deepEqual(sessions.keys.jwks().keys.map(({ kid }) => kid), ['mine']);
    const own = coded('ERR_OPTION_INVALID');
    assert.throws(() => sessions.keys.keys, own);
    for (const call of [sessions.keys.publish(), sessions.keys.rotate(), sessions.keys.retire('mine'), sessions.keys.revoke('mine')]) {
      await assert.rejects(call, own);
    }
    await sessions.keys.rotateSecrets();
  });
});
