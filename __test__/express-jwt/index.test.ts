import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { it } from 'node:test';

import type * as ours from 'keyturn/express-jwt';

it('lets tests replace the middleware, whether they assign it or define it', () => {
  const required = createRequire(__filename)('keyturn/express-jwt') as { expressjwt: unknown };
  const original = required.expressjwt;
  assert.deepEqual(Object.getOwnPropertyDescriptor(required, 'expressjwt'), { value: original, writable: true, configurable: true, enumerable: true });
  const replacement = (): string => 'replaced';
  required.expressjwt = replacement;
  try {
    assert.equal((createRequire(__filename)('keyturn/express-jwt') as typeof ours).expressjwt, replacement);
  } finally {
    required.expressjwt = original;
  }
});
