import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';

import { createClientAddress, type TrustProxy } from '../../dist/http/client-address.js';

function addressOf(trustProxy: TrustProxy, socket: string | undefined, forwarded?: string): string | undefined {
  const req = { socket: { remoteAddress: socket }, headers: { 'x-forwarded-for': forwarded } } as unknown as IncomingMessage;
  return createClientAddress(trustProxy)(req)?.text;
}

describe('createClientAddress', () => {
  const cases: readonly (readonly [what: string, trust: TrustProxy, socket: string | undefined, forwarded: string | undefined, expected: string | undefined])[] = [
    ['the socket by default', false, '198.51.100.1', undefined, '198.51.100.1'],
    ['the socket by default, whatever is forwarded', false, '198.51.100.1', '203.0.113.7', '198.51.100.1'],
    ['a mapped socket address as IPv4', false, '::ffff:198.51.100.1', undefined, '198.51.100.1'],
    ['a link-local socket without its zone', false, 'fe80::1%eth0', undefined, 'fe80::1'],
    ['nothing for a closed socket', false, undefined, undefined, undefined],
    ['the only entry behind one proxy', 1, '10.0.0.1', '203.0.113.7', '203.0.113.7'],
    ['the right-most entry behind one proxy, not the one that the client wrote', 1, '10.0.0.1', '192.0.2.1, 203.0.113.7', '203.0.113.7'],
    ['the second from the right behind two', 2, '10.0.0.1', '192.0.2.1, 203.0.113.7, 10.0.0.2', '203.0.113.7'],
    ['the left-most when there are fewer entries than proxies', 3, '10.0.0.1', '203.0.113.7', '203.0.113.7'],
    ['the socket when the proxy forwards nothing', 1, '10.0.0.1', undefined, '10.0.0.1'],
    ['the socket when the header is empty', 1, '10.0.0.1', '', '10.0.0.1'],
    ['the entry behind a proxy on a Unix socket', 1, undefined, '203.0.113.7', '203.0.113.7'],
    ['the entry of a listed proxy', ['10.0.0.0/8'], '10.0.0.1', '203.0.113.7', '203.0.113.7'],
    ['the right-most that is not listed', ['10.0.0.0/8'], '10.0.0.1', '192.0.2.1, 203.0.113.7, 10.9.9.9', '203.0.113.7'],
    ['the socket when it is not listed', ['10.0.0.0/8'], '198.51.100.1', '203.0.113.7', '198.51.100.1'],
    ['a listed proxy by its mapped address', ['10.0.0.1'], '::ffff:10.0.0.1', '203.0.113.7', '203.0.113.7'],
    ['a listed IPv6 range', ['fd00::/8'], 'fd00::1', '2001:db8::7', '2001:db8::7'],
    ['the left-most when all are listed', ['10.0.0.0/8'], '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['nobody trusted by an empty list', [], '10.0.0.1', '203.0.113.7', '10.0.0.1'],
    ['an entry with a port', 1, '10.0.0.1', '203.0.113.7:4711', '203.0.113.7'],
    ['an entry in brackets', 1, '10.0.0.1', '[2001:db8::7]', '2001:db8::7'],
    ['an entry in brackets with a port', 1, '10.0.0.1', '[2001:db8::7]:4711', '2001:db8::7'],
    ['a mapped entry as IPv4', 1, '10.0.0.1', '::ffff:203.0.113.7', '203.0.113.7'],
    ['the socket for a zone', 1, '10.0.0.1', 'fe80::1%eth0', '10.0.0.1'],
    ['the socket for a name', 1, '10.0.0.1', 'unknown', '10.0.0.1'],
    ['the socket for an empty entry', 1, '10.0.0.1', '203.0.113.7,', '10.0.0.1'],
    ['the socket for a comma', 1, '10.0.0.1', ',', '10.0.0.1'],
    ['the socket for markup', 1, '10.0.0.1', '<script>', '10.0.0.1'],
    ['the socket for a port out of shape', 1, '10.0.0.1', '203.0.113.7:port', '10.0.0.1'],
    ['the socket for garbage between good entries', 2, '10.0.0.1', '203.0.113.7, x', '10.0.0.1'],
    ['the entry, however many the client wrote before it', 1, '10.0.0.1', `${'192.0.2.1, '.repeat(1000)}203.0.113.7`, '203.0.113.7'],
  ];
  for (const [what, trust, socket, forwarded, expected] of cases) {
    it(`finds ${what}`, () => {
      assert.equal(addressOf(trust, socket, forwarded), expected);
    });
  }

  for (const trust of [true, 0, -1, 1.5, NaN, 33, '10.0.0.0/8', 'loopback', {}, null]) {
    it(`refuses trustProxy: ${JSON.stringify(trust)} and says what to write`, () => {
      assert.throws(() => createClientAddress(trust as TrustProxy), { code: 'ERR_OPTION_INVALID', claim: 'trustProxy', message: /number of proxies/ });
    });
  }

  for (const entry of ['', 'x', '10.0.0.0/33', '10.0.0.0/0', '::/0', '::1/129', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/8/8', '10.0.0.0/1e1', '10.0.0', 'fe80::1%eth0', '::ffff:10.0.0.0/104', 7]) {
    it(`refuses ${JSON.stringify(entry)} in the list of proxies`, () => {
      assert.throws(() => createClientAddress([entry] as readonly string[]), { code: 'ERR_OPTION_INVALID', message: /is not an address or CIDR range/ });
    });
  }
});
