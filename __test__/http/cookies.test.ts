import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { checkCookieName, formatSetCookie, readCookie } from '../../dist/http/cookies.js';

const NAME = '__Host-Http-keyturn';
const NONE = { kind: 'none' };
const REFUSED = { kind: 'refused' };
const one = (value: string) => ({ kind: 'one', value });

describe('readCookie', () => {
  const cases: readonly (readonly [what: string, header: string | undefined, expected: object])[] = [
    ['no header', undefined, NONE],
    ['an empty header', '', NONE],
    ['the cookie alone', `${NAME}=abc`, one('abc')],
    ['the cookie among others', `a=1; ${NAME}=abc; b=2`, one('abc')],
    ['no space after the semicolon', `a=1;${NAME}=abc;b=2`, one('abc')],
    ['spaces and tabs around name and value', `a=1;\t ${NAME} =\tabc ; b`, one('abc')],
    ['a value with equals signs', `${NAME}=a=b==`, one('a=b==')],
    ['an empty value', `${NAME}=`, one('')],
    ['a percent sign, which is not decoded', `${NAME}=%41`, one('%41')],
    ['quotes, which are kept', `${NAME}="abc"`, one('"abc"')],
    ['a name without a value', NAME, NONE],
    ['another case', `${NAME.toLowerCase()}=abc`, NONE],
    ['a longer name', `x${NAME}=abc; ${NAME}x=abc`, NONE],
    ['a name within a value', `a=${NAME}=abc`, NONE],
    ['a no-break space before the name', `\u00a0${NAME}=abc`, NONE],
    ['U+2000 in UTF-8 before the name, as bytes arrive', `\u00e2\u0080\u0080${NAME}=abc`, NONE],
    ['a vertical tab before the name', `\u000b${NAME}=abc`, NONE],
    ['a percent-encoded name', `%5F_Host-Http-keyturn=abc`, NONE],
    ['the legacy $Version, with the cookie quoted behind it', `$Version=1; a="1; ${NAME}=abc; b="`, one('abc')],
    ['the legacy comma, which separates nothing', `a=1, ${NAME}=abc`, NONE],
    ['a nameless cookie', `=${NAME}=abc`, NONE],
    ['two cookies of the name', `${NAME}=abc; ${NAME}=def`, REFUSED],
    ['two cookies of the name with one value', `${NAME}=abc; a=1; ${NAME}=abc`, REFUSED],
    ['two of which one is empty', `${NAME}=; ${NAME}=abc`, REFUSED],
    ['more than 16 KB', `a=${'x'.repeat(16 * 1024)}`, REFUSED],
    ['256 pairs', `${'a=1;'.repeat(255)}${NAME}=abc`, one('abc')],
    ['more than 256 pairs', `${'a=1;'.repeat(256)}${NAME}=abc`, REFUSED],
    ['many semicolons', ';'.repeat(300), REFUSED],
  ];
  for (const [what, header, expected] of cases) {
    it(`reads ${what}`, () => {
      assert.deepEqual(readCookie(header, NAME), expected);
    });
  }

  it('does not know members of Object.prototype as cookies', () => {
    assert.deepEqual(readCookie('a=1', '__proto__'), NONE);
    assert.deepEqual(readCookie('__proto__=1', '__proto__'), one('1'));
  });
});

describe('formatSetCookie', () => {
  it('always writes Path, Secure and SameSite=Strict, and never a Domain', () => {
    assert.equal(
      formatSetCookie({ name: NAME, value: 'abc', httpOnly: true, maxAge: 60 }),
      `${NAME}=abc; Path=/; Secure; SameSite=Strict; HttpOnly; Max-Age=60`,
    );
    assert.equal(formatSetCookie({ name: 'a', value: '', httpOnly: false }), 'a=; Path=/; Secure; SameSite=Strict');
  });

  it('deletes with Max-Age=0 and a date in the past', () => {
    assert.match(formatSetCookie({ name: 'a', value: '', httpOnly: false, maxAge: 0 }), /Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT$/);
  });

  for (const value of ['a\r\nSet-Cookie: b=c', 'a\nb', 'a\0b', 'a;b', 'a,b', 'a b', 'a"b', 'a\\b', '\u00e9', '\u4e2d', 'a\x7fb']) {
    it(`refuses the value ${JSON.stringify(value)}`, () => {
      assert.throws(() => formatSetCookie({ name: 'a', value, httpOnly: true }), { code: 'ERR_OPTION_INVALID' });
    });
  }

  for (const maxAge of [-1, 1.5, NaN, Infinity, 2 ** 53]) {
    it(`refuses a maxAge of ${String(maxAge)}`, () => {
      assert.throws(() => formatSetCookie({ name: 'a', value: 'b', httpOnly: true, maxAge }), { code: 'ERR_OPTION_INVALID' });
    });
  }
});

describe('checkCookieName', () => {
  for (const name of ['', 'a b', 'a=b', 'a;b', 'a,b', 'a\r\nb', 'a\0', '"a"', 'caf\u00e9', 'x'.repeat(129), undefined, null, 7, {}]) {
    it(`refuses ${JSON.stringify(name)} and names the option`, () => {
      assert.throws(() => { checkCookieName(name, 'cookie.name'); }, { code: 'ERR_OPTION_INVALID', claim: 'cookie.name', message: /^cookie\.name / });
    });
  }
});
