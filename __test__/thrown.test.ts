import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { thrownText } from '../dist/thrown.js';

describe('what is said of something thrown', () => {
  it('is the text of an error, a string, or the kind of anything else', () => {
    for (const [thrown, text] of [
      [new TypeError('no'), 'TypeError: no'], ['no', 'no'], [Object.create(null), 'a value of type object'],
      [{ secret: 1 }, 'a value of type object'], [undefined, 'a value of type undefined'], [Symbol('s'), 'a value of type symbol'],
    ] as const) {
      assert.equal(thrownText(thrown), text);
    }
  });
});
