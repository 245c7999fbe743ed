import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';

import { createOriginCheck } from '../../dist/http/origin.js';

type Headers = Readonly<Record<string, string>>;

function passes(headers: Headers, origins?: readonly string[]): boolean {
  return createOriginCheck(origins)({ headers } as unknown as IncomingMessage);
}

const HOST = 'shop.example';

describe('createOriginCheck', () => {
  const passing: readonly (readonly [what: string, headers: Headers])[] = [
    ['no browser header at all', { host: HOST }],
    ['Sec-Fetch-Site: same-origin', { host: HOST, 'sec-fetch-site': 'same-origin' }],
    ['same-origin behind a proxy that changes Host', { host: 'internal:8080', 'sec-fetch-site': 'same-origin', origin: 'https://shop.example' }],
    ['same-origin with Origin hidden by a referrer policy', { host: HOST, 'sec-fetch-site': 'same-origin', origin: 'null' }],
    ['an Origin of this host', { host: HOST, origin: 'https://shop.example' }],
    ['an Origin of this host and port', { host: 'localhost:3000', origin: 'http://localhost:3000' }],
    ['a Host that names the default port', { host: 'shop.example:443', origin: 'https://shop.example' }],
    ['a Host in upper case', { host: 'SHOP.example', origin: 'https://shop.example' }],
    ['an IPv6 host', { host: '[::1]:3000', origin: 'http://[::1]:3000' }],
  ];
  for (const [what, headers] of passing) {
    it(`lets ${what} pass`, () => {
      assert.equal(passes(headers), true);
    });
  }

  const failing: readonly (readonly [what: string, headers: Headers])[] = [
    ['cross-site', { host: HOST, 'sec-fetch-site': 'cross-site' }],
    ['same-site: a sibling host or another port', { host: HOST, 'sec-fetch-site': 'same-site' }],
    ['none: typed into the address bar', { host: HOST, 'sec-fetch-site': 'none' }],
    ['cross-site, whatever Origin says', { host: HOST, 'sec-fetch-site': 'cross-site', origin: 'https://shop.example' }],
    ['an empty Sec-Fetch-Site', { host: HOST, 'sec-fetch-site': '' }],
    ['two values of Sec-Fetch-Site', { host: HOST, 'sec-fetch-site': 'same-origin, cross-site' }],
    ['Sec-Fetch-Site in another case', { host: HOST, 'sec-fetch-site': 'Same-Origin' }],
    ['Origin: null', { host: HOST, origin: 'null' }],
    ['an empty Origin', { host: HOST, origin: '' }],
    ['another host', { host: HOST, origin: 'https://evil.example' }],
    ['a sibling host', { host: HOST, origin: 'https://www.shop.example' }],
    ['a host that begins alike', { host: HOST, origin: 'https://shop.example.evil.example' }],
    ['another port', { host: 'localhost:3000', origin: 'http://localhost:4000' }],
    ['another default port', { host: 'shop.example:443', origin: 'http://shop.example' }],
    ['two Origins', { host: HOST, origin: 'https://shop.example, https://evil.example' }],
    ['an Origin with a path', { host: HOST, origin: 'https://shop.example/' }],
    ['an Origin with a user', { host: HOST, origin: 'https://evil@shop.example' }],
    ['an Origin of another scheme', { host: HOST, origin: 'file://shop.example' }],
    ['an Origin without a scheme', { host: HOST, origin: 'shop.example' }],
    ['an overlong Origin', { host: HOST, origin: `https://${'a'.repeat(600)}.example` }],
    ['an Origin without Host', { origin: 'https://shop.example' }],
    ['a Host with a user', { host: 'evil@shop.example', origin: 'https://shop.example' }],
    ['a Host with a path', { host: 'shop.example/x', origin: 'https://shop.example' }],
  ];
  for (const [what, headers] of failing) {
    it(`stops ${what}`, () => {
      assert.equal(passes(headers), false);
    });
  }

  it('lets a listed origin pass, with and without Sec-Fetch-Site', () => {
    const origins = ['https://app.example', 'http://localhost:4200'];
    assert.equal(passes({ host: HOST, origin: 'https://app.example' }, origins), true);
    assert.equal(passes({ host: HOST, origin: 'https://app.example', 'sec-fetch-site': 'cross-site' }, origins), true);
    assert.equal(passes({ host: 'localhost:3000', origin: 'http://localhost:4200', 'sec-fetch-site': 'same-site' }, origins), true);
  });

  it('stops what is not listed exactly', () => {
    const origins = ['https://app.example'];
    for (const origin of ['http://app.example', 'https://app.example:8443', 'https://APP.example', 'https://app.example.evil.example', 'null']) {
      assert.equal(passes({ host: HOST, origin }, origins), false, origin);
    }
  });

  const mistakes: readonly (readonly [origins: unknown, message: RegExp])[] = [
    ['https://app.example', /must be an array/],
    [[7], /7 is not an exact origin/],
    [['*'], /write scheme and host only, for instance 'https:\/\/app\.example\.com'/],
    [['https://*.example.com'], /is not an exact origin/],
    [['https://app.example/'], /for instance 'https:\/\/app\.example'/],
    [['https://app.example/path'], /for instance 'https:\/\/app\.example'/],
    [['https://app.example:443'], /for instance 'https:\/\/app\.example'/],
    [['https://APP.example'], /for instance 'https:\/\/app\.example'/],
    [['https://user@app.example'], /is not an exact origin/],
    [['app.example'], /is not an exact origin/],
    [['null'], /is not an exact origin/],
    [['file:///x'], /is not an exact origin/],
    [[''], /is not an exact origin/],
  ];
  for (const [origins, message] of mistakes) {
    it(`refuses the option ${JSON.stringify(origins)}`, () => {
      assert.throws(() => createOriginCheck(origins as readonly string[]), { code: 'ERR_OPTION_INVALID', claim: 'origins', message });
    });
  }
});
