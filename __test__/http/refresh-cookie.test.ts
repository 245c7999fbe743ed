import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { describe, it, type TestContext } from 'node:test';

import { type CsrfOptions, RefreshCookie, type RefreshCookieOptions } from '../../dist/http/refresh-cookie.js';
import { cookiesOf, serve } from '../support/server.js';

const GRANT = { refreshToken: 'kt1_abc', csrfToken: 'xyz', absoluteEndsAt: 1_000_000 };

async function answerOf(t: TestContext, act: (cookie: RefreshCookie, res: Parameters<RefreshCookie['clear']>[0]) => void, options?: RefreshCookieOptions) {
  const server = await serve(t, (_req, res) => {
    act(new RefreshCookie(options), res);
    res.end();
  });
  return server.get('/');
}

describe('RefreshCookie', () => {
  it('sets the refresh token out of reach of scripts, until the absolute end', async (t) => {
    const cookies = cookiesOf(await answerOf(t, (cookie, res) => { cookie.grant(res, GRANT, 400_500); }));
    assert.deepEqual(cookies.get('__Host-Http-keyturn'), {
      value: 'kt1_abc',
      attributes: ['Path=/', 'Secure', 'SameSite=Strict', 'HttpOnly', 'Max-Age=600'],
    });
  });

  it('sets the XSRF token where scripts can read it, for as long', async (t) => {
    const cookies = cookiesOf(await answerOf(t, (cookie, res) => { cookie.grant(res, GRANT, 400_000); }));
    assert.deepEqual(cookies.get('XSRF-TOKEN'), { value: 'xyz', attributes: ['Path=/', 'Secure', 'SameSite=Strict', 'Max-Age=600'] });
  });

  it('leaves Max-Age out for a cookie that ends with the browser', async (t) => {
    const cookies = cookiesOf(await answerOf(t, (cookie, res) => { cookie.grant(res, GRANT, 0); }, { lifetime: 'browser' }));
    assert.deepEqual(cookies.get('__Host-Http-keyturn')?.attributes, ['Path=/', 'Secure', 'SameSite=Strict', 'HttpOnly']);
    assert.deepEqual(cookies.get('XSRF-TOKEN')?.attributes, ['Path=/', 'Secure', 'SameSite=Strict']);
  });

  it('clears both cookies with the attributes they were set with', async (t) => {
    const cookies = cookiesOf(await answerOf(t, (cookie, res) => { cookie.clear(res); }));
    const gone = ['Max-Age=0', 'Expires=Thu, 01 Jan 1970 00:00:00 GMT'];
    assert.deepEqual(cookies.get('__Host-Http-keyturn'), { value: '', attributes: ['Path=/', 'Secure', 'SameSite=Strict', 'HttpOnly', ...gone] });
    assert.deepEqual(cookies.get('XSRF-TOKEN'), { value: '', attributes: ['Path=/', 'Secure', 'SameSite=Strict', ...gone] });
  });

  it('keeps cookies that the application has set on the same answer', async (t) => {
    const response = await answerOf(t, (cookie, res) => {
      res.setHeader('Set-Cookie', 'theme=dark');
      cookie.grant(res, GRANT, 0);
    });
    assert.equal(response.headers.getSetCookie().length, 3);
    assert.equal(cookiesOf(response).get('theme')?.value, 'dark');
  });

  it('uses other names when told to', () => {
    const cookie = new RefreshCookie({ name: '__Host-shop' }, { cookie: 'shop-xsrf', header: 'X-Shop' });
    const req = { headers: { cookie: '__Host-shop=abc', 'x-shop': 'xyz' } } as unknown as IncomingMessage;
    assert.deepEqual(cookie.read(req), { kind: 'one', value: 'abc' });
    assert.equal(cookie.readCsrf(req), 'xyz');
  });

  it('has no XSRF token in a request without the header', () => {
    assert.equal(new RefreshCookie().readCsrf({ headers: {} } as IncomingMessage), undefined);
  });

  const mistakes: readonly (readonly [what: string, cookie: RefreshCookieOptions, csrf: CsrfOptions, message: RegExp])[] = [
    ['a name without the prefix', { name: 'session' }, {}, /must begin with '__Host-', for instance '__Host-Http-session'/],
    ['the weaker prefix', { name: '__Secure-session' }, {}, /must begin with '__Host-'/],
    ['a name that cannot be sent', { name: '__Host-a;b' }, {}, /^cookie\.name must be a cookie name/],
    ['an unknown lifetime', { lifetime: 'forever' as 'browser' }, {}, /must be 'absolute' or 'browser'/],
    ['an XSRF cookie that scripts could not read', {}, { cookie: '__Host-Http-xsrf' }, /must be readable by scripts/],
    ['one name for both cookies', { name: '__Host-a' }, { cookie: '__Host-A' }, /must differ/],
    ['a header name that cannot be sent', {}, { header: 'X XSRF' }, /^csrf\.header/],
  ];
  for (const [what, cookie, csrf, message] of mistakes) {
    it(`refuses ${what}`, () => {
      assert.throws(() => new RefreshCookie(cookie, csrf), { code: 'ERR_OPTION_INVALID', message });
    });
  }
});
