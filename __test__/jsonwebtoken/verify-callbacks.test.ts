import { describe, it } from 'node:test';

import { assertSame, assertSameCallback, shown } from './both.js';
import { PAIRS } from './keys.js';
import { SECRET, token } from './secret.js';

describe('verify() with a callback beside npm jsonwebtoken', () => {
  const good = token({ alg: 'HS256', typ: 'JWT', kid: 'k' }, '{"sub":"alice"}');
  const expired = token({ alg: 'HS256', typ: 'JWT' }, '{"exp":1}');
  // Both fail over this one outside the callback, and if that is later, nobody can catch it.
  const nullPayload = token({ alg: 'HS256', typ: 'JWT' }, 'null');
  const bad = [good, expired, 'a.b', `${good}A`, '', undefined, nullPayload, token({ alg: 'HS256', typ: 'JWT' }, 'no JSON'), token('5', '{}')];
  const options = [undefined, null, {}, { complete: true }, { issuer: 'x' }, { nonce: '' }, { algorithms: ['RS256'] }, { clockTimestamp: 'x' }];

  it('calls it at once, with the same arguments, and returns what it returns', async () => {
    for (const given of bad) {
      for (const asked of options) {
        for (const key of [SECRET, 'wrong', {}, undefined]) {
          await assertSameCallback(() => `${shown(given)} ${shown(asked)} ${shown(key)}`, ({ verify }, callback) => verify(given, key, asked, callback));
        }
        await assertSameCallback(() => shown(given), ({ verify }, callback) => verify(given, SECRET, callback));
        await assertSameCallback(() => shown(given), ({ verify }, callback) => verify(given, SECRET, callback, callback));
        assertSame(() => shown(given), ({ verify }) => verify(given, SECRET, asked, 'no function'));
      }
    }
  });

  const resolvers: Readonly<Record<string, (header: unknown, callback: (error: unknown, key?: unknown) => unknown) => unknown>> = {
    'answers at once': (_, callback) => callback(null, SECRET),
    'answers later': (_, callback) => {
      setImmediate(callback, null, SECRET);
      return 'returned';
    },
    'answers with an error': (_, callback) => callback(new Error('no such key')),
    'answers with text for an error': (_, callback) => callback('no such key'),
    'answers with nothing': (_, callback) => callback(null),
    'answers with another secret': (_, callback) => callback(null, 'other'),
    'answers with what is no key': (_, callback) => callback(null, {}),
    'answers with a public key': (_, callback) => callback(null, PAIRS[0]?.publicKey),
    'answers twice': (_, callback) => [callback(null, SECRET), callback(null, PAIRS[0]?.publicKey)],
    'answers twice, an RSA key first': (_, callback) => [callback(null, PAIRS[0]?.publicKey), callback(null, SECRET)],
    'throws': () => {
      throw new Error('broken');
    },
    'never answers': () => 'nothing',
    'looks at the header': (header, callback) => callback(null, (header as { readonly kid?: unknown }).kid === 'k' ? SECRET : 'other'),
    'changes the header': (header, callback) => callback(null, Object.assign(header as object, { alg: 'RS256' }) === header ? SECRET : 'other'),
  };

  for (const [what, resolver] of Object.entries(resolvers)) {
    it(`does the same with a resolver that ${what}`, async () => {
      for (const given of what === 'answers later' ? bad.filter((one) => one !== nullPayload) : bad) {
        for (const asked of options) {
          await assertSameCallback(() => `${shown(given)} ${shown(asked)}`, ({ verify }, callback) => verify(given, resolver, asked, callback));
          assertSame(() => shown(given), ({ verify }) => verify(given, resolver, asked));
        }
      }
    });
  }

  it('lets what the callback throws through', () => {
    const callback = (): never => {
      throw new Error('from the callback');
    };
    for (const given of bad) assertSame(() => shown(given), ({ verify }) => verify(given, SECRET, callback));
  });
});
