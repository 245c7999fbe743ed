import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { lateEventOf } from '../../dist/sessions/late-events.js';

describe('the event of what was stored late', () => {
  it('is the one that would have come at once', () => {
    const of = (what: string, reason?: string): string => {
      const { type, reason: because } = lateEventOf({ what, ...(reason === undefined ? {} : { reason }) });
      return because === undefined ? type : `${type} ${because}`;
    };
    assert.equal(of('session', 'logout'), 'logout');
    assert.equal(of('session', 'login'), 'logout login');
    assert.equal(of('session', 'refused'), 'revoked refused');
    assert.equal(of('session', 'revoked'), 'revoked session');
    for (const what of ['subject', 'everything']) assert.equal(of(what, 'revoked'), `revoked ${what}`);
    for (const what of ['token', 'key', 'permissions']) assert.equal(of(what), `revoked ${what}`);
  });

  it('names the session and its subject, as far as they are known', () => {
    const { session, subject } = lateEventOf({ what: 'session', sid: 's', subject: 'alice', reason: 'logout' });
    assert.deepEqual({ session, subject }, { session: 's', subject: 'alice' });
  });
});
