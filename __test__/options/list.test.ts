import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { asList } from '../../dist/options/list.js';

describe('asList', () => {
  it('makes a list of one value, and a copy of a list', () => {
    const given = ['a', 'b'];
    const list = asList(given, 'audience');
    assert.deepEqual(list, given);
    assert.notEqual(list, given);
    for (const one of ['a', undefined, null, { length: 2 }]) assert.deepEqual(asList(one, 'audience'), [one]);
  });

  it('makes undefined of a hole', () => {
    assert.deepEqual(asList(new Array(2), 'audience'), [undefined, undefined]);
  });

  it('refuses at once a list that is longer than anybody means', () => {
    assert.equal(asList(new Array(10_000), 'audience').length, 10_000);
    const endless = new Proxy([], { get: (_, name): unknown => (name === 'length' ? 2 ** 32 : undefined) });
    for (const list of [new Array(10_001), new Array(2 ** 32 - 1), endless]) {
      assert.throws(() => asList(list, 'audience'), { code: 'ERR_OPTION_INVALID', claim: 'audience', message: /^audience must be a list/ });
    }
  });
});
