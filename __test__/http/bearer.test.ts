import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';

import { readBearer } from '../../dist/http/bearer.js';

function requestWith(...values: readonly string[]): IncomingMessage {
  const rawHeaders = ['Host', 'x', ...values.flatMap((value) => ['Authorization', value])];
  return { headers: { authorization: values[0] }, rawHeaders } as unknown as IncomingMessage;
}

describe('readBearer', () => {
  const good: readonly (readonly [header: string, token: string | undefined])[] = [
    ['Bearer abc.def.ghi', 'abc.def.ghi'],
    ['bearer abc', 'abc'],
    ['BEARER abc', 'abc'],
    ['Bearer   abc', 'abc'],
    ['Bearer AZaz09-._~+/==', 'AZaz09-._~+/=='],
    ['', undefined],
    ['Basic dXNlcjpwYXNz', undefined],
    ['Bearerabc', undefined],
    ['DPoP abc', undefined],
    ['eyJhbGciOiJIUzI1NiJ9.e30.abc', undefined],
  ];
  for (const [header, token] of good) {
    it(`finds ${token === undefined ? 'no token' : 'the token'} in ${JSON.stringify(header)}`, () => {
      assert.equal(readBearer(requestWith(header)), token);
    });
  }

  it('finds no token without the header, in the query or elsewhere', () => {
    assert.equal(readBearer({ headers: {}, rawHeaders: [], url: '/?access_token=abc' } as unknown as IncomingMessage), undefined);
  });

  const bad = [
    'Bearer',
    'Bearer ',
    'Bearer a b',
    'Bearer a, Bearer b',
    'Bearer a,b',
    'Bearer "abc"',
    'Bearer token=abc',
    'Bearer =abc',
    'Bearer a=b',
    'Bearer\tabc',
    'Bearer abc\t',
    'Bearer: abc',
    'Bearer caf\u00e9',
    'Bearer \u00c5',
    'Bearer a\0b',
    '"Bearer" abc',
    '=',
    ',',
    '\u00e9',
  ];
  for (const header of bad) {
    it(`refuses ${JSON.stringify(header)}`, () => {
      assert.throws(() => readBearer(requestWith(header)), { code: 'ERR_TOKEN_MALFORMED' });
    });
  }

  it('refuses two Authorization headers, of which a proxy may have judged the other', () => {
    assert.throws(() => readBearer(requestWith('Bearer abc', 'Bearer def')), { code: 'ERR_TOKEN_MALFORMED' });
    assert.throws(() => readBearer(requestWith('Basic abc', 'Bearer def')), { code: 'ERR_TOKEN_MALFORMED' });
  });

  it('refuses ten megabytes without looking at them', () => {
    assert.throws(() => readBearer(requestWith(`Bearer ${'a'.repeat(10_000_000)}`)), { code: 'ERR_TOKEN_TOO_LARGE' });
  });

  it('never quotes the header in its error', () => {
    assert.throws(() => readBearer(requestWith('Bearer secret secret')), (error: Error) => !error.message.includes('secret'));
  });
});
