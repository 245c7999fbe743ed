import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { KeyturnError } from '../../dist/errors.js';
import { publicErrorOf } from '../../dist/http/public-error.js';

describe('publicErrorOf', () => {
  it('shows an error below 500 as it is', () => {
    const error = new KeyturnError('ERR_SESSION_EXPIRED', 'the session expired', { reason: 'idle' });
    assert.equal(publicErrorOf(error), error);
  });

  it('keeps the code of a store error, and nothing that names files or hosts', () => {
    const shown = publicErrorOf(new KeyturnError('ERR_STORE_UNAVAILABLE', 'cannot open /srv/db', { reason: '/srv/db', retryAfter: 3 }));
    assert.equal(shown.code, 'ERR_STORE_UNAVAILABLE');
    assert.equal(shown.retryAfter, 3);
    assert.equal(shown.reason, undefined);
    assert.doesNotMatch(shown.message, /srv/);
  });

  it('tells a client when to come back even if the error does not', () => {
    assert.equal(publicErrorOf(new KeyturnError('ERR_NOT_READY', 'x')).retryAfter, 5);
  });

  for (const error of [new Error('secret'), new KeyturnError('ERR_OPTION_INVALID', 'secret'), new KeyturnError('ERR_INTERNAL', 'secret'), 'secret', undefined, null]) {
    it(`shows ${String(error)} as an internal error`, () => {
      const shown = publicErrorOf(error);
      assert.equal(shown.code, 'ERR_INTERNAL');
      assert.equal(shown.message, 'internal error');
    });
  }
});
