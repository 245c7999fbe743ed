import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { AuthEventType } from '../../dist/events.js';
import { assembleAuth, type HttpOptions, parseHttpOptions } from '../../dist/express/assemble-auth.js';
import { FakeSessions } from '../support/fake-sessions.js';

describe('parseHttpOptions', () => {
  const mistakes: readonly (readonly [options: unknown, code: string, message: RegExp])[] = [
    [{ cookie: false }, 'ERR_OPTION_INVALID', /^cookie must be an object with name, lifetime/],
    [{ cookie: { nmae: '__Host-x' } }, 'ERR_OPTION_UNKNOWN', /did you mean 'name'/],
    [{ cookie: { name: 'session' } }, 'ERR_OPTION_INVALID', /must begin with '__Host-'/],
    [{ csrf: false }, 'ERR_OPTION_INVALID', /^csrf must be an object with cookie, header/],
    [{ csrf: { headers: 'x' } }, 'ERR_OPTION_UNKNOWN', /did you mean 'header'/],
    [{ origins: '*' }, 'ERR_OPTION_INVALID', /^origins/],
    [{ loginLimit: false }, 'ERR_OPTION_INVALID', /^loginLimit must be a rate such as '5\/1m'/],
    [{ trustProxy: true }, 'ERR_OPTION_INVALID', /^trustProxy/],
  ];
  for (const [options, code, message] of mistakes) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      assert.throws(() => parseHttpOptions(options as HttpOptions), { code, message });
    });
  }
});

describe('assembleAuth', () => {
  it('hands events to listeners until they are removed', () => {
    const sessions = new FakeSessions();
    const auth = assembleAuth(sessions, parseHttpOptions({}));
    let heard = 0;
    const remove = auth.on('logout', () => { heard += 1; });
    sessions.events.emit({ type: 'logout', time: 0 });
    remove();
    sessions.events.emit({ type: 'logout', time: 0 });
    assert.equal(heard, 1);
  });

  it('refuses an event that does not exist, and a listener that is none', () => {
    const auth = assembleAuth(new FakeSessions(), parseHttpOptions({}));
    assert.throws(() => auth.on('login-ok' as AuthEventType, () => undefined), { code: 'ERR_OPTION_INVALID', message: /did you mean 'login_ok'/ });
    assert.throws(() => auth.on('everything' as AuthEventType, () => undefined), { code: 'ERR_OPTION_INVALID', message: /the events are/ });
    assert.throws(() => auth.on('logout', undefined as unknown as () => void), { code: 'ERR_OPTION_INVALID', message: /must be a function/ });
  });

  it('closes the sessions', async () => {
    const sessions = new FakeSessions();
    await assembleAuth(sessions, parseHttpOptions({})).close();
    assert.equal(sessions.isClosed, true);
  });

  it('can be taken apart', () => {
    const { requireAuth, router } = assembleAuth(new FakeSessions(), parseHttpOptions({}));
    assert.equal(typeof requireAuth(), 'function');
    assert.equal(typeof router({ authenticate: () => null }), 'function');
  });
});
