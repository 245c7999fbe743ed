import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { createSessions, createSigner, createVerifier, KeyturnError } from 'keyturn';

import { alive, rawToken } from '../support/raw-token.js';
import { skipUnderSanitizer } from '../support/sanitizer.js';
import { TEST_KEYS } from '../support/test-keys.js';

/** What a narrowing reader takes for the same byte: the low eight bits are those of the character. */
const WIDENINGS: readonly (readonly [what: string, widen: (code: number) => string])[] = [
  ['plus U+0100, as U+0141 is to A', (code) => String.fromCodePoint(code + 0x100)],
  ['plus U+FF00, fullwidth among them', (code) => String.fromCodePoint(code + 0xff00)],
  ['plus U+2E00', (code) => String.fromCodePoint(code + 0x2e00)],
  ['plus U+10000, a surrogate pair', (code) => String.fromCodePoint(code + 0x1_0000)],
  ['plus U+0080, outside ASCII', (code) => String.fromCodePoint(code + 0x80)],
  ['plus U+DC00, half of a pair', (code) => String.fromCharCode(code + 0xdc00)],
  ['fullwidth forms', (code) => String.fromCodePoint(code - 0x21 + 0xff01)],
];

const tokens = TEST_KEYS.map(({ alg, key, raw }) => ({ alg, verify: createVerifier({ key }), token: rawToken({ alg, typ: 'JWT' }, alive({ sub: 'alice' }), raw) }));

describe('a token with a wide character in place of a good one', () => {
  for (const { alg, verify, token } of tokens) {
    for (const [what, widen] of WIDENINGS) {
      it(`is refused at every place of a token of ${alg}: ${what}`, () => {
        assert.equal(verify(token).sub, 'alice');
        for (let at = 0; at < token.length; at += 1) {
          const bad = token.slice(0, at) + widen(token.charCodeAt(at)) + token.slice(at + 1);
          assert.throws(() => verify(bad), { code: 'ERR_TOKEN_MALFORMED' }, `place ${at}`);
        }
        const all = Array.from(token, (character) => widen(character.charCodeAt(0))).join('');
        assert.throws(() => verify(all), { code: 'ERR_TOKEN_MALFORMED' });
      });
    }

    it(`is refused with anything added to a token of ${alg}`, () => {
      for (const extra of ['\0', '\u00a0', '\u0141', '\ufeff', '\u200b', '\ud800', '\udfff', '\u{1f600}', '\u202e', '\u0301', ' ', '\n']) {
        for (const bad of [extra + token, token + extra, token.replace('.', `.${extra}`), token.replace('.', `${extra}.`)]) {
          assert.throws(() => verify(bad), { code: 'ERR_TOKEN_MALFORMED' }, JSON.stringify(extra));
        }
      }
    });

    it(`is refused though only a character of ${alg}'s text was replaced by the one that stands for bad ones`, () => {
      for (const half of ['\ud800', '\udbff', '\udc00', '\udfff', '\ufffd']) {
        for (const at of [0, 5, token.indexOf('.') + 1, token.length - 1]) {
          assert.throws(() => verify(token.slice(0, at) + half + token.slice(at + 1)), { code: 'ERR_TOKEN_MALFORMED' });
        }
      }
    });
  }

  it('is refused by sessions too', async (t) => {
    const sessions = createSessions({ store: 'memory:', issuer: 'https://issuer.example', audience: 'https://api.example' });
    t.after(() => sessions.close());
    const { accessToken, refreshToken } = await sessions.start({ subject: 'alice' });
    assert.equal(sessions.verify(accessToken).sub, 'alice');
    for (const [what, widen] of WIDENINGS) {
      for (const at of [0, 10, accessToken.length >> 1, accessToken.length - 1]) {
        const bad = accessToken.slice(0, at) + widen(accessToken.charCodeAt(at)) + accessToken.slice(at + 1);
        assert.throws(() => sessions.verify(bad), { code: 'ERR_TOKEN_MALFORMED' }, what);
      }
      for (const at of [0, 10, refreshToken.length - 1]) {
        const bad = refreshToken.slice(0, at) + widen(refreshToken.charCodeAt(at)) + refreshToken.slice(at + 1);
        await assert.rejects(sessions.refresh(bad), { code: 'ERR_REFRESH_INVALID' }, what);
      }
    }
    assert.equal((await sessions.refresh(refreshToken)).outcome, 'rotated');
  });
});

describe('strings as V8 keeps them', () => {
  it('are read alike: joined, cut out of others, with two bytes a character, external', () => {
    for (const { verify, token } of tokens) {
      const half = token.length >> 1;
      const joined = token.slice(0, half) + token.slice(half);
      const sliced = `\u0141${token}\u0141`.slice(1, -1);
      const decoded = Buffer.from(token, 'utf16le').toString('utf16le');
      const copied = JSON.parse(JSON.stringify({ token })) as { token: string };
      for (const same of [joined, sliced, decoded, copied.token, token.split('').join('')]) assert.equal(verify(same).sub, 'alice');
      assert.throws(() => verify(`\u0141${token}`.slice(0, -1)), { code: 'ERR_TOKEN_MALFORMED' });
    }
  });

  it('of 10 MB are refused at once and without growth, whichever way they are kept', { skip: skipUnderSanitizer }, () => {
    const long = ['x'.repeat(10_000_000), '\u0141'.repeat(10_000_000), '\ud800'.repeat(10_000_000), `${'x'.repeat(5_000_000)}.${'y'.repeat(5_000_000)}.`, tokens[0]?.token.padEnd(10_000_000, '=') ?? ''];
    for (const { verify } of tokens) {
      for (const text of long) assert.throws(() => verify(text), { code: 'ERR_TOKEN_TOO_LARGE' });
    }
    const before = process.memoryUsage().rss;
    const started = performance.now();
    for (let round = 0; round < 200; round += 1) {
      for (const { verify } of tokens) for (const text of long) assert.throws(() => verify(text), { code: 'ERR_TOKEN_TOO_LARGE' });
    }
    const each = (performance.now() - started) / (200 * tokens.length * long.length);
    const grown = (process.memoryUsage().rss - before) / 1_048_576;
    assert.ok(each < 2, `${each.toFixed(3)} ms each`);
    assert.ok(grown < 48, `${grown.toFixed(0)} MiB more`);
  });

  it('are refused if anything stands behind the longest token that is looked at, however many bytes it takes', () => {
    for (const { alg, key, raw } of TEST_KEYS) {
      const token = rawToken({ alg }, alive({ sub: 'alice' }), raw);
      const verify = createVerifier({ key, maxTokenBytes: token.length });
      assert.equal(verify(token).sub, 'alice');
      for (const extra of ['x', '=', '\u0141', '\u20ac', '\u{1f600}', '\u{1f600}x', '\u{10ffff}'.repeat(1000), '\ud800', '\ud800x', '\udfff']) {
        assert.throws(() => verify(token + extra), { code: 'ERR_TOKEN_TOO_LARGE' }, JSON.stringify(extra.slice(0, 20)));
      }
    }
  });

  it('are measured in bytes', () => {
    for (const { verify } of tokens) {
      for (const [text, code] of [['\u0141'.repeat(4096), 'ERR_TOKEN_MALFORMED'], ['\u0141'.repeat(4097), 'ERR_TOKEN_TOO_LARGE'], ['\u{1f600}'.repeat(2048), 'ERR_TOKEN_MALFORMED'], ['\u{1f600}'.repeat(2049), 'ERR_TOKEN_TOO_LARGE'], ['x'.repeat(8192), 'ERR_TOKEN_MALFORMED'], ['x'.repeat(8193), 'ERR_TOKEN_TOO_LARGE'], [`${'x'.repeat(8191)}\u0141`, 'ERR_TOKEN_TOO_LARGE'], [`${'x'.repeat(8190)}\u{1f600}`, 'ERR_TOKEN_TOO_LARGE']] as const) {
        assert.throws(() => verify(text), { code }, `${text.length} characters`);
      }
    }
  });
});

describe('what is no string', () => {
  it('is no token, and is not made one', async () => {
    for (const { verify, token } of tokens) {
      const others: readonly unknown[] = [
        undefined, null, 0, 7, NaN, 5n, true, {}, [], [token], Symbol(token), () => token, new Date(), new Map(),
        Buffer.from(token), new TextEncoder().encode(token), new String(token), { toString: () => token }, { [Symbol.toPrimitive]: () => token },
        { toString() { throw new Error('must not be asked'); } }, Object.create(null), new Proxy(() => token, {}), /a/,
      ];
      for (const other of others) {
        assert.throws(() => verify(other as string), { name: 'KeyturnError', code: 'ERR_TOKEN_MALFORMED' });
        await assert.rejects(verify.async(other as string), { code: 'ERR_TOKEN_MALFORMED' });
      }
      assert.throws(() => (verify as unknown as () => void)(), { code: 'ERR_TOKEN_MALFORMED' });
      assert.equal((verify as unknown as (...all: readonly unknown[]) => { sub: string })(token, 0, 'more', {}).sub, 'alice');
    }
  });

  it('is no claims set either', () => {
    for (const { key } of TEST_KEYS) {
      for (const other of [undefined, null, 7, 'x', [], true, () => ({})]) {
        assert.throws(() => createSigner({ key })(other as unknown as Record<string, unknown>), (error: unknown) => error instanceof KeyturnError && error.code === 'ERR_CLAIMS_INVALID');
      }
    }
  });
});
