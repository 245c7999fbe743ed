import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { isWellFormed, optionalString, requiredString, stringList } from '../../dist/options/strings.js';

const NO_STRINGS: readonly unknown[] = ['', null, 0, 7, NaN, 5n, true, {}, [], ['a'], () => 'a', new String('a'), Buffer.from('a'), Symbol('a')];
const HALVES = ['\ud800', 'a\udfff', '\udc00\ud800', '\u{1f600}\ud83d'];
const shown = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : `${typeof value} ${String(value)}`);

describe('optionalString', () => {
  it('takes a string and its absence', () => {
    for (const value of ['a', ' ', '\u0141', '\u{1f600}', undefined]) assert.equal(optionalString(value, 'kid'), value);
  });

  for (const value of [...NO_STRINGS, ...HALVES]) {
    it(`refuses ${shown(value)}`, () => {
      assert.throws(() => optionalString(value, 'kid'), { code: 'ERR_OPTION_INVALID', claim: 'kid', message: /^kid must be a string/ });
    });
  }
});

describe('requiredString', () => {
  it('takes a string', () => {
    assert.equal(requiredString('a', 'issuer', "'https://api.example'"), 'a');
  });

  it('shows an example of what is missing', () => {
    assert.throws(() => requiredString(undefined, 'issuer', "'https://api.example'"), {
      code: 'ERR_OPTION_INVALID',
      claim: 'issuer',
      message: "issuer is needed, for instance 'https://api.example'",
    });
  });

  it('refuses what is no string', () => {
    for (const value of [...NO_STRINGS, ...HALVES]) {
      assert.throws(() => requiredString(value, 'issuer', "'a'"), { code: 'ERR_OPTION_INVALID', claim: 'issuer' });
    }
  });
});

describe('stringList', () => {
  it('makes a list of a string, of a list and of nothing', () => {
    assert.deepEqual(stringList('a', 'audience'), ['a']);
    assert.deepEqual(stringList(['a', 'b'], 'audience'), ['a', 'b']);
    assert.deepEqual(stringList(undefined, 'audience'), []);
  });

  it('keeps a list of its own, which later changes do not reach', () => {
    const given = ['a'];
    const list = stringList(given, 'audience');
    given.push('b');
    assert.deepEqual(list, ['a']);
  });

  const bad: readonly unknown[] = [
    ...NO_STRINGS.filter((value) => !(Array.isArray(value) && value.length === 1)),
    ...HALVES,
    [undefined], [null], [''], ['a', undefined], ['a', 7], [['a']], [Symbol('a')], ['\ud800'], new Set(['a']), { 0: 'a', length: 1 },
  ];
  for (const value of bad) {
    it(`refuses ${Array.isArray(value) ? `a list of ${value.map(shown).join()}` : shown(value)}, which would check nothing`, () => {
      assert.throws(() => stringList(value, 'audience'), { code: 'ERR_OPTION_INVALID', claim: 'audience', message: /^audience must be a string or a list/ });
    });
  }

  it('refuses a list of holes, which would check nothing', () => {
    assert.throws(() => stringList(new Array(1), 'audience'), { code: 'ERR_OPTION_INVALID' });
    assert.throws(() => stringList(Object.assign(['a'], { length: 2 }), 'audience'), { code: 'ERR_OPTION_INVALID' });
  });
});

describe('isWellFormed', () => {
  it('sees half of a surrogate pair anywhere', () => {
    for (const text of HALVES) assert.equal(isWellFormed(text), false);
    for (const text of ['', 'a', '\ud7ff\ue000', '\u{1f600}\u{10ffff}']) assert.equal(isWellFormed(text), true);
  });
});
