import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { checkOptions, nearestName } from '../../dist/options/checks.js';

describe('checkOptions', () => {
  it('takes known options and their absence', () => {
    checkOptions({}, 'x()', ['a']);
    checkOptions({ a: undefined }, 'x()', ['a']);
  });

  for (const value of [undefined, null, 7, 'a', [], () => undefined]) {
    it(`refuses ${String(value)} for options`, () => {
      assert.throws(() => { checkOptions(value, 'x()', ['a', 'b']); }, { code: 'ERR_OPTION_INVALID', message: 'x() must be an object with a, b' });
    });
  }

  it('names the nearest option, or all of them', () => {
    assert.throws(() => { checkOptions({ orgins: [] }, 'x()', ['origins']); }, { code: 'ERR_OPTION_UNKNOWN', claim: 'orgins', message: "x() has no option 'orgins'; did you mean 'origins'?" });
    assert.throws(() => { checkOptions({ zzz: 1 }, 'x()', ['origins', 'cookie']); }, { code: 'ERR_OPTION_UNKNOWN', message: /the options are origins, cookie$/ });
  });

  it('does not take members of Object.prototype for known', () => {
    assert.throws(() => { checkOptions({ constructor: 1 }, 'x()', ['a']); }, { code: 'ERR_OPTION_UNKNOWN' });
    assert.throws(() => { checkOptions(JSON.parse('{"__proto__":1}'), 'x()', ['a']); }, { code: 'ERR_OPTION_UNKNOWN' });
  });
});

describe('nearestName', () => {
  it('forgives case and two mistakes', () => {
    assert.equal(nearestName('TRUSTPROXY', ['trustProxy']), 'trustProxy');
    assert.equal(nearestName('trutProxi', ['origins', 'trustProxy']), 'trustProxy');
    assert.equal(nearestName('proxy', ['trustProxy']), undefined);
    assert.equal(nearestName('x'.repeat(100_000), ['trustProxy']), undefined);
  });
});
