import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { addressPrefixOf, limiterKeyOf, parseIp } from '../../dist/http/ip.js';

describe('parseIp', () => {
  const cases: readonly (readonly [text: string, key: string, prefix: string])[] = [
    ['203.0.113.7', '203.0.113.7', '203.0.113.0/24'],
    ['::ffff:203.0.113.7', '203.0.113.7', '203.0.113.0/24'],
    ['::ffff:cb00:7107', '203.0.113.7', '203.0.113.0/24'],
    ['0:0:0:0:0:FFFF:203.0.113.7', '203.0.113.7', '203.0.113.0/24'],
    ['2001:db8:1:2ff:3:4:5:6', '2001:db8:1:200::/56', '2001:db8:1:200::/56'],
    ['2001:DB8:0001:02aB::1', '2001:db8:1:200::/56', '2001:db8:1:200::/56'],
    ['2001:db8::1', '2001:db8:0:0::/56', '2001:db8:0:0::/56'],
    ['::1', '0:0:0:0::/56', '0:0:0:0::/56'],
    ['::', '0:0:0:0::/56', '0:0:0:0::/56'],
    ['64:ff9b::1.2.3.4', '64:ff9b:0:0::/56', '64:ff9b:0:0::/56'],
  ];
  for (const [text, key, prefix] of cases) {
    it(`reads ${text}`, () => {
      const address = parseIp(text);
      assert.equal(limiterKeyOf(address), key);
      assert.equal(addressPrefixOf(address), prefix);
    });
  }

  it('keeps two IPv4 clients apart that arrive as mapped addresses', () => {
    assert.notEqual(limiterKeyOf(parseIp('::ffff:203.0.113.7')), limiterKeyOf(parseIp('::ffff:203.0.113.8')));
  });

  it('counts two addresses of one /56 as one client', () => {
    assert.equal(limiterKeyOf(parseIp('2001:db8:1:201::1')), limiterKeyOf(parseIp('2001:db8:1:2fe::9')));
    assert.notEqual(limiterKeyOf(parseIp('2001:db8:1:201::1')), limiterKeyOf(parseIp('2001:db8:1:301::1')));
  });

  const garbage = ['', ' ', 'unknown', 'localhost', '1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', '1.2.3.4:80', '1.2.3.4 ', 'fe80::1%eth0', '[::1]', ':::', '1::2::3', 'g::1', `${'0'.repeat(50)}::1`, '0x7f.1', '2130706433'];
  for (const text of garbage) {
    it(`knows no address in ${JSON.stringify(text)}`, () => {
      assert.equal(parseIp(text), undefined);
    });
  }

  it('has a key and no prefix for an address that is not known', () => {
    assert.equal(limiterKeyOf(undefined), 'unknown');
    assert.equal(addressPrefixOf(undefined), undefined);
  });
});
