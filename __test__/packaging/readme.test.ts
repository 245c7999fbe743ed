import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { projectText } from '../support/documents.js';

const MAX_LINES = 12;

describe('the first code block of the README', () => {
  const code = /^```js\n([^]*?)^```/m.exec(projectText('README.md'))?.[1] ?? '';

  it('is the quickstart example, which a test runs', () => {
    assert.equal(code, projectText('examples/quickstart/server.mjs'));
  });

  it(`has at most ${MAX_LINES} lines`, () => {
    assert.notEqual(code, '');
    assert.ok(code.trimEnd().split('\n').length <= MAX_LINES);
  });
});
