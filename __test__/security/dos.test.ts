import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { createVerifier, dangerouslyDecode, importKey } from 'keyturn';

import { alive, aliveText, rawToken, segment } from '../support/raw-token.js';
import { TEST_KEYS } from '../support/test-keys.js';

const TOO_LARGE = { code: 'ERR_TOKEN_TOO_LARGE' };
const verifiers = TEST_KEYS.map((own) => ({ ...own, verify: createVerifier({ key: own.key }), large: createVerifier({ key: own.key, maxTokenBytes: 1_048_576 }) }));

/** Milliseconds for one call, the least of several, so that a busy machine does not count. */
function quickest(call: () => void): number {
  let least = Infinity;
  for (let run = 0; run < 5; run += 1) {
    const started = performance.now();
    call();
    least = Math.min(least, performance.now() - started);
  }
  return least;
}

describe('J23: tokens that are large', () => {
  const huge: readonly (readonly [what: string, token: string])[] = [
    ['ten million characters', 'x'.repeat(10_000_000)],
    ['a million dots', '.'.repeat(1_000_000)],
    ['a header of a megabyte', `${segment('x'.repeat(1_000_000))}.e30.e30`],
    ['a payload of a megabyte', `${segment({ alg: 'HS256' })}.${segment('x'.repeat(1_000_000))}.e30`],
    ['a signature of a megabyte', `${segment({ alg: 'HS256' })}.${segment({})}.${'A'.repeat(1_000_000)}`],
    ['8193 characters', 'x'.repeat(8193)],
    ['4097 characters of two bytes', '\u0141'.repeat(4097)],
  ];
  for (const [what, token] of huge) {
    it(`are refused before anything is done with them: ${what}`, () => {
      for (const { verify } of verifiers) {
        assert.throws(() => verify(token), TOO_LARGE);
        const least = quickest(() => assert.throws(() => verify(token), TOO_LARGE));
        assert.ok(least < 50, `${least} ms`);
      }
    });
  }

  it('are refused though they are signed, and taken only if maxTokenBytes says so', () => {
    for (const { alg, raw, verify, large } of verifiers) {
      const token = rawToken({ alg }, alive({ text: 'x'.repeat(500_000) }), raw);
      assert.throws(() => verify(token), TOO_LARGE);
      assert.equal((large(token)['text'] as string).length, 500_000);
    }
  });

  it('are bounded in every verifier', () => {
    for (const maxTokenBytes of [1_048_577, 500_000_000, Infinity]) {
      for (const { key } of verifiers) assert.throws(() => createVerifier({ key, maxTokenBytes }), { code: 'ERR_OPTION_INVALID' });
    }
    assert.throws(() => dangerouslyDecode('x'.repeat(10_000_000)), TOO_LARGE);
  });
});

describe('J23: tokens that are deep or manifold', () => {
  it('are taken down to a depth of 32 and refused below it, in payload and header', () => {
    const nested = (depth: number, open: string, close: string): string => `"a":${open.repeat(depth)}${open === '{"a":' ? '1' : ''}${close.repeat(depth)}`;
    for (const { alg, raw, large } of verifiers) {
      for (const [open, close] of [['[', ']'], ['{"a":', '}']] as const) {
        // The object around it is the first level.
        large(rawToken({ alg }, aliveText(nested(31, open, close)), raw));
        for (const depth of [32, 1000, 100_000]) {
          const token = rawToken({ alg }, aliveText(nested(depth, open, close)), raw);
          assert.throws(() => large(token), { code: 'ERR_TOKEN_MALFORMED', reason: 'depth' });
          const least = quickest(() => assert.throws(() => large(token), { code: 'ERR_TOKEN_MALFORMED' }));
          assert.ok(least < 50, `${least} ms for a depth of ${depth}`);
        }
        assert.throws(() => large(rawToken(`{"alg":"${alg}",${nested(32, open, close)}}`, alive(), raw)), { code: 'ERR_TOKEN_MALFORMED' });
      }
    }
  });

  it('are read in a time that grows as their length does: many members, many audiences, names chosen to collide', () => {
    for (const { alg, raw, large } of verifiers) {
      const many = (count: number): string => Array.from({ length: count }, (_, index) => `"m${index}":0`).join();
      const payloads = [
        aliveText(many(60_000)),
        aliveText(`"aud":[${Array.from({ length: 60_000 }, (_, index) => `"a${index}"`).join()}]`),
        aliveText(Array.from({ length: 40_000 }, (_, index) => `"\\u0061${index}":0`).join()),
        aliveText(`"a":"${'\\u0041'.repeat(100_000)}"`),
      ];
      for (const payload of payloads) {
        const token = rawToken({ alg }, payload, raw);
        const verify = createVerifier({ key: importKey(raw, { alg }), audience: 'a59999', maxTokenBytes: 1_048_576 });
        const least = quickest(() => {
          if (payload.includes('"aud"')) verify(token);
          else large(token);
        });
        assert.ok(least < 500, `${least} ms for ${payload.slice(0, 60)}`);
      }
    }
  });

  it('of a number with many digits are read as the number it is', () => {
    for (const { alg, raw, large } of verifiers) {
      const token = rawToken({ alg }, aliveText(`"n":${'9'.repeat(300_000)},"m":1e-${'9'.repeat(300_000)}`), raw);
      const claims = large(token);
      assert.deepEqual([claims['n'], claims['m']], [Infinity, 0]);
      assert.throws(() => large(rawToken({ alg }, `{"exp":${'9'.repeat(300_000)}}`, raw)), { code: 'ERR_CLAIM_INVALID', claim: 'exp' });
    }
  });
});

describe('J23: bad tokens by the hundred thousand', () => {
  it('leave no memory behind', () => {
    const [first] = verifiers;
    assert.ok(first !== undefined);
    const bad = ['', 'x.y.z', rawToken({ alg: 'none' }, alive(), first.raw), rawToken({ alg: 'HS256', kid: 'k' }, '[]', first.raw), 'x'.repeat(9000)];
    const refuseAll = (rounds: number): void => {
      for (let round = 0; round < rounds; round += 1) {
        for (const token of bad) {
          try {
            first.verify(`${token}${round % 7 === 0 ? '' : round}`);
          } catch {
            continue;
          }
          assert.fail('a bad token was taken');
        }
      }
    };
    refuseAll(5000);
    const before = process.memoryUsage().rss;
    refuseAll(40_000);
    const grown = process.memoryUsage().rss - before;
    assert.ok(grown < 64 * 1024 * 1024, `${(grown / 1_048_576).toFixed(0)} MiB`);
  });
});

describe('J21, J22: regular expressions', () => {
  it('are no options: with state they alternate, and with (a+)+$ they hang', () => {
    for (const { key } of TEST_KEYS) {
      for (const option of ['issuer', 'audience', 'subject', 'typ', 'algorithms', 'required']) {
        for (const value of [/a/, /a/g, /a/y, [/a/g], ['a', /(a+)+$/]]) {
          assert.throws(() => createVerifier({ key, [option]: value }), { code: 'ERR_OPTION_INVALID', claim: option });
        }
      }
    }
  });

  it('are not made of the strings that are given', () => {
    for (const { alg, key, raw } of TEST_KEYS) {
      const verify = createVerifier({ key, audience: ['(a+)+$', '.*'] });
      assert.throws(() => verify(rawToken({ alg }, alive({ aud: `${'a'.repeat(30)}!` }), raw)), { code: 'ERR_CLAIM_INVALID', claim: 'aud' });
      verify(rawToken({ alg }, alive({ aud: '.*' }), raw));
    }
  });
});
