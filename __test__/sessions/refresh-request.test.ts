import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { refreshRequest } from '../../dist/sessions/refresh-request.js';

describe('a refresh as the addon takes it', () => {
  it('holds what was given and nothing else', () => {
    assert.deepEqual(refreshRequest('kt1_a', {}), { token: 'kt1_a' });
    const options = { activity: 0, accessToken: 'a.b.c', context: '', address: '10.0.0.0/24' };
    assert.deepEqual(refreshRequest('kt1_a', options), {
      token: 'kt1_a',
      report: 0,
      accessToken: 'a.b.c',
      context: '',
      origin: '10.0.0.0/24',
    });
    const absent = { activity: undefined, accessToken: undefined, context: undefined, address: undefined };
    assert.deepEqual(refreshRequest('kt1_a', absent), { token: 'kt1_a' });
  });

  it('is refused where an option is none', () => {
    for (const options of [{ activity: -1 }, { activity: NaN }, { activity: '5' }, { address: '' }, { accessToken: 7 }, { context: 7 }]) {
      assert.throws(() => refreshRequest('kt1_a', options as object), { code: 'ERR_OPTION_INVALID' });
    }
    assert.throws(() => refreshRequest('kt1_a', { adress: 'x' } as object), { code: 'ERR_OPTION_UNKNOWN' });
    for (const token of [undefined, 7, {}]) {
      assert.throws(() => refreshRequest(token as unknown as string, {}), { code: 'ERR_REFRESH_INVALID' });
    }
  });
});
