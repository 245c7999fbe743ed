import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { createSessions, createVerifier, generateKey, type SessionsOptions } from 'keyturn';

import { AUDIENCE, coded, ISSUER, openSessions, STORES, temporaryFolder } from '../support/sessions.js';

for (const store of STORES) {
  describe(`sessions on the ${store.name} store`, () => {
    it('sign in, verify, refresh, list and end', async (t) => {
      const sessions = openSessions(t, { store: store.url(t) });
      const first = await sessions.start({
        subject: 'alice', roles: ['admin'], permissions: ['a:b'], claims: { tenant: 7 }, device: 'a laptop',
      });
      assert.equal(first.expiresIn, 300);
      const claims = sessions.verify(first.accessToken);
      const { iss, aud, sub, sid, roles, permissions, tenant } = claims;
      assert.deepEqual(
        { iss, aud, sub, sid, roles, permissions, tenant },
        { iss: ISSUER, aud: AUDIENCE, sub: 'alice', sid: first.session.id, roles: ['admin'], permissions: ['a:b'], tenant: 7 },
      );
      assert.equal(claims.exp - claims.iat, 300);

      const second = await sessions.refresh(first.refreshToken);
      assert.equal(second.outcome, 'rotated');
      assert.notEqual(second.refreshToken, first.refreshToken);
      assert.equal(sessions.verify(second.accessToken)['tenant'], 7);

      const listed = await sessions.list('alice');
      assert.deepEqual(listed, [second.session]);
      assert.equal(listed[0]?.device, 'a laptop');

      await sessions.end(first.session.id);
      for (const { accessToken } of [first, second]) {
        assert.throws(() => sessions.verify(accessToken), coded('ERR_TOKEN_REVOKED', 'session'));
      }
      await assert.rejects(sessions.refresh(second.refreshToken), coded('ERR_SESSION_REVOKED', 'revoked'));
      assert.deepEqual(await sessions.list('alice'), []);
    });

    it('let 50 refreshes at once leave one live token and no error', async (t) => {
      const sessions = openSessions(t, { store: store.url(t) });
      let { refreshToken } = await sessions.start({ subject: 'alice' });
      for (let round = 0; round < 20; round += 1) {
        const token = refreshToken;
        const answers = await Promise.all(Array.from({ length: 50 }, () => sessions.refresh(token)));
        assert.equal(new Set(answers.map((answer) => answer.refreshToken)).size, 1);
        assert.equal(answers.filter(({ outcome }) => outcome === 'rotated').length, 1);
        refreshToken = answers[0]?.refreshToken ?? '';
      }
      assert.equal((await sessions.refresh(refreshToken)).outcome, 'rotated');
    });

    it('catch a token that comes a second time after the grace, and kill its access tokens', async (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 });
      const sessions = openSessions(t, { store: store.url(t) });
      const stolen = await sessions.start({ subject: 'alice' });
      const other = await sessions.start({ subject: 'alice' });
      const owner = await sessions.refresh(stolen.refreshToken);
      t.mock.timers.tick(9_999);
      assert.equal((await sessions.refresh(stolen.refreshToken)).outcome, 'replayed');
      t.mock.timers.tick(1);
      await assert.rejects(sessions.refresh(stolen.refreshToken), coded('ERR_REFRESH_REUSED', 'reuse'));
      await assert.rejects(sessions.refresh(owner.refreshToken), coded('ERR_SESSION_REVOKED', 'reuse'));
      assert.throws(() => sessions.verify(owner.accessToken), coded('ERR_TOKEN_REVOKED'));
      assert.equal(sessions.verify(other.accessToken).sub, 'alice', 'no other session of the user ends');
    });

    it('end by resting and at their absolute end, and not while they are used', async (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 });
      const sessions = openSessions(t, { store: store.url(t), idle: '10m', absolute: '25m', access: { ttl: '2m' } });
      const resting = await sessions.start({ subject: 'alice' });
      let used = await sessions.start({ subject: 'alice' });
      for (let minute = 1; minute <= 2; minute += 1) {
        t.mock.timers.tick(9 * 60_000);
        used = await sessions.refresh(used.refreshToken, { activity: 30_000 });
      }
      await assert.rejects(sessions.refresh(resting.refreshToken), coded('ERR_SESSION_EXPIRED', 'idle'));
      t.mock.timers.tick(6 * 60_000);
      assert.equal(sessions.verify((await sessions.refresh(used.refreshToken, { activity: 0 })).accessToken).sub, 'alice');
      t.mock.timers.tick(60_000);
      await assert.rejects(sessions.refresh(used.refreshToken, { activity: 0 }), coded('ERR_SESSION_EXPIRED', 'absolute'));
    });

    it('end all at once, or all but one', async (t) => {
      const sessions = openSessions(t, { store: store.url(t) });
      const pairs = await Promise.all(Array.from({ length: 4 }, () => sessions.start({ subject: 'alice' })));
      const bob = await sessions.start({ subject: 'bob' });
      const kept = pairs[2]?.session.id ?? '';
      await assert.rejects(sessions.endAll('alice', { except: 'mine' }), coded('ERR_OPTION_INVALID'));
      assert.equal(await sessions.endAll('alice', { except: kept }), 3);
      assert.deepEqual((await sessions.list('alice')).map(({ id }) => id), [kept]);
      assert.equal(await sessions.endAll('alice'), 1);
      for (const { accessToken } of pairs) assert.throws(() => sessions.verify(accessToken), coded('ERR_TOKEN_REVOKED'));
      assert.equal(sessions.verify(bob.accessToken).sub, 'bob');
      const again = await sessions.start({ subject: 'alice' });
      assert.equal(sessions.verify(again.accessToken).sub, 'alice', 'a sign-in right after the end is not reached by it');
    });

    it('end one session for its owner only', async (t) => {
      const sessions = openSessions(t, { store: store.url(t) });
      const { session, accessToken } = await sessions.start({ subject: 'alice' });
      await assert.rejects(sessions.end(session.id, { subject: 'bob' }), coded('ERR_SESSION_UNKNOWN'));
      assert.equal(sessions.verify(accessToken).sub, 'alice');
      await sessions.end(session.id, { subject: 'alice' });
      await assert.rejects(sessions.end(session.id, { subject: 'alice' }), coded('ERR_SESSION_UNKNOWN'));
      await assert.rejects(sessions.end('no session id'), coded('ERR_SESSION_UNKNOWN'));
    });

    it('refuse everything after they have been closed', async () => {
      const sessions = createSessions({ store: 'memory:', issuer: ISSUER, audience: AUDIENCE });
      const { accessToken, refreshToken } = await sessions.start({ subject: 'alice' });
      await sessions.close();
      await sessions.close();
      assert.throws(() => sessions.verify(accessToken), coded('ERR_STORE_CLOSED'));
      await assert.rejects(sessions.refresh(refreshToken), coded('ERR_STORE_CLOSED'));
      await assert.rejects(sessions.start({ subject: 'alice' }), coded('ERR_STORE_CLOSED'));
    });
  });
}

describe('createSessions', () => {
  const good = { store: 'memory:', issuer: ISSUER, audience: AUDIENCE };
  const wrong: readonly [object, 'ERR_OPTION_INVALID' | 'ERR_OPTION_UNKNOWN', RegExp][] = [
    [{ ...good, store: undefined }, 'ERR_OPTION_INVALID', /store .*sqlite:/],
    [{ ...good, store: 'postgres://x' }, 'ERR_OPTION_INVALID', /'sqlite:PATH' or 'redis:/],
    [{ ...good, store: 'sqlite:' }, 'ERR_OPTION_INVALID', /path of a file/],
    [{ ...good, issuer: 7 }, 'ERR_OPTION_INVALID', /issuer/],
    [{ ...good, audience: '' }, 'ERR_OPTION_INVALID', /audience/],
    [{ ...good, idel: '1h' }, 'ERR_OPTION_UNKNOWN', /did you mean 'idle'/],
    [{ ...good, access: { TTL: '5m' } }, 'ERR_OPTION_UNKNOWN', /did you mean 'ttl'/],
    [{ ...good, access: { ttl: '5 minutes' } }, 'ERR_OPTION_INVALID', /access\.ttl .*'15m'/],
    [{ ...good, access: { ttl: NaN } }, 'ERR_OPTION_INVALID', /access\.ttl/],
    [{ ...good, access: { ttl: '25h' } }, 'ERR_OPTION_INVALID', /1 second to 24 hours/],
    [{ ...good, refresh: { grace: '6m' } }, 'ERR_OPTION_INVALID', /0 to 5 minutes/],
    [{ ...good, idle: '2h', absolute: '1h' }, 'ERR_OPTION_INVALID', /idle must not be longer/],
    [{ ...good, absolute: Infinity }, 'ERR_OPTION_INVALID', /absolute/],
    [{ ...good, keys: 'secret' }, 'ERR_OPTION_INVALID', /importKey/],
    [{ ...good, keys: [] }, 'ERR_KEY_INVALID' as 'ERR_OPTION_INVALID', /can sign/],
  ];

  for (const [options, code, message] of wrong) {
    it(`refuses ${JSON.stringify(options)} and says what would do`, () => {
      const make = (): unknown => createSessions(options as SessionsOptions);
      assert.throws(make, coded(code));
      assert.throws(make, message);
    });
  }

  it('lets the default idle limit give way to a shorter absolute one', async (t) => {
    const sessions = openSessions(t, { absolute: '30s' });
    const { session } = await sessions.start({ subject: 'alice' });
    assert.equal(session.idleEndsAt, session.absoluteEndsAt);
    assert.equal(session.absoluteEndsAt - session.startedAt, 30_000);
  });

  it('takes zero grace, after which every second use is reuse', async (t) => {
    const sessions = openSessions(t, { refresh: { grace: 0 } });
    const { refreshToken } = await sessions.start({ subject: 'alice' });
    await sessions.refresh(refreshToken);
    await assert.rejects(sessions.refresh(refreshToken), coded('ERR_REFRESH_REUSED'));
  });

  it('returns before the store is open, and says so until it is', async (t) => {
    const sessions = openSessions(t, { store: STORES[1]?.url(t) ?? '' });
    assert.throws(() => sessions.verify('a.b.c'), coded('ERR_NOT_READY'));
    await sessions.ready();
    assert.throws(() => sessions.verify('a.b.c'), coded('ERR_TOKEN_MALFORMED'));
  });

  it('tells everybody who asks why the store cannot be opened, and works once it can', async (t) => {
    const path = join(temporaryFolder(t), 'keyturn.db');
    mkdirSync(path);
    const sessions = openSessions(t, { store: `sqlite:${path}` });
    await assert.rejects(sessions.ready(), coded('ERR_STORE_UNAVAILABLE'));
    await assert.rejects(sessions.start({ subject: 'alice' }), coded('ERR_STORE_UNAVAILABLE'));
    rmdirSync(path);
    const deadline = Date.now() + 10_000;
    for (;;) {
      try {
        await sessions.ready();
        break;
      } catch (error) {
        assert.ok(Date.now() < deadline, String(error));
      }
    }
    assert.equal((await sessions.start({ subject: 'alice' })).session.subject, 'alice');
  });

  it('calls a file that is no database by its name', async (t) => {
    const path = join(temporaryFolder(t), 'notes.txt');
    writeFileSync(path, 'shopping list\n'.repeat(1000));
    const sessions = openSessions(t, { store: `sqlite:${path}` });
    await assert.rejects(sessions.ready(), coded('ERR_STORE_CORRUPT'));
    await assert.rejects(sessions.ready(), /notes\.txt/);
  });

  it('shares one state with whoever opens the same file in this process, and refuses other options for it', async (t) => {
    const store = STORES[1]?.url(t) ?? '';
    const [one, two] = [openSessions(t, { store }), openSessions(t, { store })];
    const { accessToken, session } = await one.start({ subject: 'alice' });
    await two.ready();
    assert.equal(two.verify(accessToken).sub, 'alice');
    await two.end(session.id);
    assert.throws(() => one.verify(accessToken), coded('ERR_TOKEN_REVOKED'));
    assert.throws(() => openSessions(t, { store, idle: '2h' }), coded('ERR_OPTION_INVALID'));
  });

  it('signs with the keys that it is given', async (t) => {
    const key = generateKey('HS256', { kid: 'mine' });
    const sessions = openSessions(t, { keys: [key] });
    const { accessToken } = await sessions.start({ subject: 'alice' });
    const verify = createVerifier({ key, issuer: ISSUER, audience: AUDIENCE, typ: 'at+jwt' });
    assert.equal(verify(accessToken).sub, 'alice');
  });

  it('lets the process end though it was not closed', () => {
    const script = `
      const { createSessions } = require('keyturn');
      const sessions = createSessions({ store: 'memory:', issuer: 'i', audience: 'a' });
      sessions.start({ subject: 'alice' }).then((pair) => console.log(sessions.verify(pair.accessToken).sub));`;
    assert.equal(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 30_000 }).trim(), 'alice');
  });

  it('keeps the process alive until an answer that was asked for has come', (t) => {
    const script = `
      const { createSessions } = require('keyturn');
      const sessions = createSessions({ store: process.argv[1], issuer: 'i', audience: 'a' });
      sessions.start({ subject: 'alice' }).then(() => console.log('answered'));`;
    const output = execFileSync(process.execPath, ['-e', script, STORES[1]?.url(t) ?? ''], { encoding: 'utf8', timeout: 30_000 });
    assert.equal(output.trim(), 'answered');
  });
});

describe('start and refresh', () => {
  it('refuse what makes no sense with a code', async (t) => {
    const sessions = openSessions(t);
    const start = (options: object): Promise<unknown> => sessions.start(options as { subject: string });
    await assert.rejects(start({}), coded('ERR_OPTION_INVALID'));
    await assert.rejects(start({ subject: '' }), coded('ERR_OPTION_INVALID'));
    await assert.rejects(start({ subject: 'a'.repeat(256) }), coded('ERR_OPTION_INVALID'));
    await assert.rejects(start({ subject: 'a', role: [] }), coded('ERR_OPTION_UNKNOWN'));
    await assert.rejects(start({ subject: 'a', roles: 'admin' }), coded('ERR_OPTION_INVALID'));
    await assert.rejects(start({ subject: 'a', roles: [1] }), coded('ERR_OPTION_INVALID'));
    await assert.rejects(start({ subject: 'a', claims: { sub: 'eve' } }), coded('ERR_CLAIMS_INVALID'));
    await assert.rejects(start({ subject: 'a', claims: [] }), coded('ERR_CLAIMS_INVALID'));
    await assert.rejects(start({ subject: 'a', claims: { big: 'x'.repeat(5000) } }), coded('ERR_CLAIMS_INVALID'));
    for (const token of ['', 'kt1_', 'a.b.c', undefined, 7, {}, 'x'.repeat(1_000_000)]) {
      await assert.rejects(sessions.refresh(token as string), coded('ERR_REFRESH_INVALID'));
    }
    const { refreshToken } = await sessions.start({ subject: 'alice' });
    await assert.rejects(sessions.refresh(refreshToken, { actvity: 1 } as object), coded('ERR_OPTION_UNKNOWN'));
    await assert.rejects(sessions.end('a', { subjekt: 'x' } as object), coded('ERR_OPTION_UNKNOWN'));
    await assert.rejects(sessions.endAll('a', { exept: 'x' } as object), coded('ERR_OPTION_UNKNOWN'));
    for (const activity of [-1, NaN, '5' as unknown as number]) {
      await assert.rejects(sessions.refresh(refreshToken, { activity }), coded('ERR_OPTION_INVALID'));
    }
    assert.equal((await sessions.refresh(refreshToken, { activity: Infinity })).outcome, 'rotated');
  });

  it('never print a token in an error', async (t) => {
    const sessions = openSessions(t, { refresh: { grace: 0 } });
    const { refreshToken, accessToken, session } = await sessions.start({ subject: 'alice' });
    await sessions.refresh(refreshToken);
    const errors: unknown[] = [];
    await sessions.refresh(refreshToken).catch((error: unknown) => errors.push(error));
    try {
      sessions.verify(accessToken);
    } catch (error) {
      errors.push(error);
    }
    assert.equal(errors.length, 2);
    for (const error of errors) {
      const text = `${String(error)} ${String((error as Error).stack)} ${JSON.stringify(error)}`;
      for (const secret of [refreshToken, accessToken, session.id]) assert.ok(!text.includes(secret));
    }
  });
});
