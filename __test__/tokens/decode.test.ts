import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { dangerouslyDecode } from '../../dist/tokens/decode.js';
import { createSigner } from '../../dist/tokens/signer.js';
import { segment } from '../support/raw-token.js';
import { TEST_KEYS } from '../support/test-keys.js';

const part = (text: string | Buffer): string => segment(text);

describe('dangerouslyDecode', () => {
  for (const { alg, key } of TEST_KEYS) {
    it(`takes a token of ${alg} apart`, () => {
      const token = createSigner({ key, issuer: 'i' })({ name: '\u0141ukasz' });
      const { header, payload, signature } = dangerouslyDecode(token);
      assert.deepEqual(header, { alg, typ: 'JWT' });
      assert.equal((payload as { name: string }).name, '\u0141ukasz');
      assert.equal(signature, token.split('.')[2]);
    });
  }

  it('checks nothing: neither signature, nor algorithm, nor time, nor that the payload is an object', () => {
    const token = `${part('{"alg":"none"}')}.${part('{"exp":1}')}.`;
    assert.deepEqual(dangerouslyDecode(token), { header: { alg: 'none' }, payload: { exp: 1 }, signature: '' });
    assert.equal(dangerouslyDecode(`${part('{}')}.${part('"text"')}.?`).payload, 'text');
  });

  it('makes no prototype of a member named __proto__', () => {
    const { payload } = dangerouslyDecode(`${part('{}')}.${part('{"__proto__":{"isAdmin":true}}')}.`);
    assert.equal((payload as { isAdmin?: boolean }).isAdmin, undefined);
    assert.deepEqual(Object.keys(payload as object), ['__proto__']);
  });

  const malformed: readonly (readonly [what: string, token: unknown])[] = [
    ...[undefined, null, 7, true, {}, [], Buffer.from('a.b.c'), new String(`${part('{}')}.${part('{}')}.`), { toString: () => `${part('{}')}.${part('{}')}.` }].map(
      (token): [string, unknown] => [`${typeof token} ${String(token).slice(0, 20)}`, token],
    ),
    ['nothing', ''],
    ['dots alone', '..'],
    ['one segment', part('{}')],
    ['two segments', `${part('{}')}.${part('{}')}`],
    ['four segments', `${part('{}')}.${part('{}')}..`],
    ['a header that is no JSON', `${part('{')}.${part('{}')}.`],
    ['a header that is a list', `${part('[]')}.${part('{}')}.`],
    ['a header that is null', `${part('null')}.${part('{}')}.`],
    ['a payload that is no JSON', `${part('{}')}.${part('foo')}.`],
    ['a payload that is empty', `${part('{}')}..`],
    ['a byte order mark', `${part('{}')}.${part('\ufeff{}')}.`],
    ['a million dots', '.'.repeat(1_000_000)],
  ];
  for (const [what, token] of malformed) {
    it(`refuses ${what}`, () => {
      assert.throws(() => dangerouslyDecode(token as string), { name: 'KeyturnError', code: 'ERR_TOKEN_MALFORMED' });
    });
  }

  it('refuses more than a megabyte', () => {
    assert.throws(() => dangerouslyDecode('x'.repeat(1024 * 1024 + 1)), { code: 'ERR_TOKEN_TOO_LARGE' });
    const large = `${part('{}')}.${part(JSON.stringify('x'.repeat(700_000)))}.`;
    assert.equal((dangerouslyDecode(large).payload as string).length, 700_000);
  });
});
