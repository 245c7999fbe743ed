import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import npm from 'jsonwebtoken';
import * as ours from 'keyturn/jsonwebtoken';

import { described } from './both.js';

describe('the error classes', () => {
  const makers: readonly ((of: Pick<typeof npm, keyof typeof ours>) => Error)[] = [
    (of) => new of.JsonWebTokenError('text'),
    (of) => new of.JsonWebTokenError('text', new Error('inner')),
    (of) => new of.TokenExpiredError('text', new Date(5)),
    (of) => new of.NotBeforeError('text', new Date(5)),
  ];

  it('make what those of npm jsonwebtoken make', () => {
    for (const make of makers) {
      const [expected, actual] = [make(npm), make(ours)];
      assert.deepEqual(described(actual), described(expected));
      assert.equal(String(actual), String(expected));
      assert.equal(actual.stack?.split('\n')[0], expected.stack?.split('\n')[0]);
      assert.deepEqual(forIn(actual), forIn(expected));
      assert.deepEqual(Object.getOwnPropertyNames(actual).sort(), Object.getOwnPropertyNames(expected).sort());
      assert.equal(Object.prototype.toString.call(actual), Object.prototype.toString.call(expected));
    }
  });

  it('inherit from each other', () => {
    assert.ok(new ours.TokenExpiredError('', new Date()) instanceof ours.JsonWebTokenError);
    assert.ok(new ours.NotBeforeError('', new Date()) instanceof ours.JsonWebTokenError);
    assert.ok(!(new ours.NotBeforeError('', new Date()) instanceof ours.TokenExpiredError));
    assert.ok(new ours.JsonWebTokenError('') instanceof Error);
  });

  it('can be extended by a class and by a constructor function', () => {
    class Mine extends ours.JsonWebTokenError {}
    assert.ok(new Mine('text') instanceof ours.JsonWebTokenError);
    const old = Object.create(ours.JsonWebTokenError.prototype) as Error;
    (ours.JsonWebTokenError as unknown as (this: Error, message: string) => void).call(old, 'text');
    assert.equal(old.message, 'text');
  });

  it('show where they were made, and not how', () => {
    const stack = new ours.TokenExpiredError('text', new Date()).stack ?? '';
    assert.match(stack.split('\n')[1] ?? '', /errors\.test/);
  });
});

function forIn(object: object): string[] {
  const names: string[] = [];
  for (const name in object) names.push(name);
  return names;
}
