import { describe, it } from 'node:test';

import { respelled, tampered } from '../support/tamper.js';
import { assertSame, shown } from './both.js';

const segment = (text: string): string => Buffer.from(text).toString('base64url');

describe('decode() beside npm jsonwebtoken', () => {
  const options = [
    undefined, null, {}, { complete: true }, { json: true }, { complete: true, json: true }, { complete: 1 }, { json: 0 }, { encoding: 'latin1' },
    { json: true, encoding: (key: string, value: unknown) => (key === 'sub' ? 'revived' : value) }, 'text', 5,
  ];

  it('does the same for every header and payload', () => {
    for (const header of ['{"alg":"HS256","typ":"JWT"}', '{"alg":"HS256"}', '{"typ":"jwt"}', '{}', '[]', '5', '0', 'null', '"JWT"', 'no JSON', '{"alg":"\u00e9"}']) {
      for (const payload of ['{"sub":"x"}', 'text', '5', 'null', '"{}"', '[1]', '{"a":', '\ufeff{}', '\u0141']) {
        for (const signature of ['', 'AA', 'A', '=', '!']) {
          const token = `${segment(header)}.${segment(payload)}.${signature}`;
          for (const asked of options) assertSame(() => `${header} ${payload} ${signature} ${shown(asked)}`, ({ decode }) => decode(token, asked));
        }
      }
    }
  });

  it('does the same for what is changed, spelt differently or no token', () => {
    const good = `${segment('{"alg":"HS256","typ":"JWT"}')}.${segment('{"sub":"alice"}')}.c2lnbmF0dXJl`;
    const given: unknown[] = [...tampered(good), ...respelled(good)].map(({ token }) => token);
    given.push(Buffer.from(good), new String(good), undefined, null, 5, 5n, Symbol('x'), {}, [good], true, { toJSON: () => good }, () => good);
    for (const one of given) {
      for (const asked of options) assertSame(() => `${shown(one)} ${shown(asked)}`, ({ decode }) => decode(one, asked));
    }
  });
});
