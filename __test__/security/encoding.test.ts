import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { createSessions, createSigner, createVerifier } from 'keyturn';

import { alive, rawToken, segment, signature, signSegments } from '../support/raw-token.js';
import { respelled, withUnusedBits } from '../support/tamper.js';
import { TEST_KEYS, testKey } from '../support/test-keys.js';

const MALFORMED = { code: 'ERR_TOKEN_MALFORMED' };

describe('J18: another spelling of the same bytes', () => {
  for (const { alg, key, raw } of TEST_KEYS) {
    const verify = createVerifier({ key });

    it(`is refused in each segment of a token of ${alg}: padding, white space, the other alphabet, unused bits`, () => {
      // Payloads of three lengths, so that each segment ends in each of the three ways.
      for (const pad of ['', 'x', 'xx']) {
        const token = rawToken({ alg, typ: 'JWT', pad }, alive({ pad }), raw);
        verify(token);
        const variants = respelled(token);
        assert.ok(variants.length > 90, `only ${variants.length} spellings were tried`);
        for (const { how, token: bad } of variants) assert.throws(() => verify(bad), MALFORMED, how);
      }
    });

    it(`is refused for ${alg} also if the signature is made over that spelling`, () => {
      for (const pad of ['', 'x', 'xx']) {
        const [header, payload] = [segment({ alg, pad }), segment(alive({ pad }))];
        const spellings = (text: string): string[] => [
          `${text}=`, `${text}==`, `${text} `, ` ${text}`, `${text}\n`, `${text.slice(0, 4)}\n${text.slice(4)}`, `${text}?`, `####${text}`, `${text}%3D`, `${text}\0`,
          ...withUnusedBits(text),
        ];
        for (const text of spellings(header)) assert.throws(() => verify(signSegments(text, payload, raw)), MALFORMED, JSON.stringify(text));
        for (const text of spellings(payload)) assert.throws(() => verify(signSegments(header, text, raw)), MALFORMED, JSON.stringify(text));
      }
    });

    it(`is refused for ${alg} with + and / in a signature that has - and _`, () => {
      let tried = 0;
      for (let round = 0; tried < 20; round += 1) {
        const token = rawToken({ alg }, alive({ round }), raw);
        const dot = token.lastIndexOf('.');
        const plain = token.slice(dot).replaceAll('-', '+').replaceAll('_', '/');
        if (plain === token.slice(dot)) continue;
        tried += 1;
        assert.throws(() => verify(token.slice(0, dot) + plain), MALFORMED);
      }
    });

    it(`is refused for ${alg} where a segment has a length that no bytes have`, () => {
      const [header = '', payload = '', tag = ''] = rawToken({ alg }, alive(), raw).split('.');
      for (const text of ['A', 'AAAAA', header.padEnd(Math.ceil(header.length / 4) * 4 + 1, 'A')]) assert.throws(() => verify(signSegments(text, payload, raw)), MALFORMED);
      for (const text of ['A', payload.padEnd(Math.ceil(payload.length / 4) * 4 + 1, 'A')]) assert.throws(() => verify(signSegments(header, text, raw)), MALFORMED);
      assert.throws(() => verify(`${header}.${payload}.${tag.padEnd(Math.ceil(tag.length / 4) * 4 + 1, 'A')}`), MALFORMED);
    });
  }
});

describe('J8: a signature of another length', () => {
  for (const { alg, key, raw } of TEST_KEYS) {
    it(`is refused for ${alg}: cut, lengthened, in DER, doubled, of 4 KB`, () => {
      const input = `${segment({ alg })}.${segment(alive())}`;
      const good = signature(input, raw);
      const der = Buffer.concat([Buffer.from([0x30, good.length]), good]);
      const bads = [
        Buffer.alloc(0), good.subarray(1), good.subarray(0, -1), good.subarray(0, 16), Buffer.concat([good, Buffer.alloc(1)]), Buffer.concat([Buffer.alloc(1), good]),
        Buffer.concat([good, good]), der, Buffer.alloc(good.length), Buffer.alloc(good.length, 0xff), Buffer.alloc(4096, 1),
      ];
      for (const bad of bads) assert.throws(() => createVerifier({ key })(`${input}.${bad.toString('base64url')}`), { code: 'ERR_SIGNATURE_INVALID' });
    });
  }
});

describe('J9, J19: a second signature text for one token', () => {
  it('is refused: S plus the order of the group (RFC 8032, section 5.1.7)', () => {
    const { key, raw } = testKey('EdDSA');
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const [header, payload, tag = ''] = rawToken({ alg: 'EdDSA' }, alive(), raw).split('.');
    const bytes = Buffer.from(tag, 'base64url');
    const s = BigInt(`0x${Buffer.from(bytes.subarray(32)).reverse().toString('hex')}`);
    for (const times of [1n, 2n, 7n]) {
      const moved = Buffer.from((s + times * order).toString(16).padStart(64, '0'), 'hex').reverse();
      const second = Buffer.concat([bytes.subarray(0, 32), moved]).toString('base64url');
      assert.notEqual(second, tag);
      assert.throws(() => createVerifier({ key })(`${header}.${payload}.${second}`), { code: 'ERR_SIGNATURE_INVALID' });
    }
  });

  it('does not bring back a revoked token: what is revoked is its jti, and no other spelling verifies', async (t) => {
    const sessions = createSessions({ store: 'memory:', issuer: 'https://issuer.example', audience: 'a' });
    t.after(() => sessions.close());
    await sessions.ready();
    for (const [cache, { alg, key, raw }] of [false, true].flatMap((cache) => TEST_KEYS.map((one) => [cache, one] as const))) {
      const verify = createVerifier({ key, revocation: sessions.revocation, cache });
      const jti = `one-${alg}-${String(cache)}`;
      const claims = alive({ jti, iat: Math.floor(Date.now() / 1000) });
      const token = rawToken({ alg }, claims, raw);
      const spaced = rawToken({ alg, typ: 'x' }, JSON.stringify(claims, null, 2), raw);
      const escaped = rawToken({ alg }, JSON.stringify(claims).replace('one', '\\u006fne'), raw);
      for (const good of [token, spaced, escaped]) verify(good);
      await sessions.revocation.token(jti, Date.now() / 1000 + 60);
      for (const again of [token, spaced, escaped]) assert.throws(() => verify(again), { code: 'ERR_TOKEN_REVOKED' });
      for (const { how, token: bad } of respelled(token)) assert.throws(() => verify(bad), MALFORMED, how);
    }
  });
});

describe('J30: another serialization', () => {
  for (const { alg, key, raw } of TEST_KEYS) {
    const verify = createVerifier({ key });
    const [header = '', payload = '', tag = ''] = rawToken({ alg }, alive(), raw).split('.');
    const forms: readonly (readonly [form: string, text: string, code?: string])[] = [
      ['flattened JSON', JSON.stringify({ payload, protected: header, signature: tag })],
      ['general JSON', JSON.stringify({ payload, signatures: [{ protected: header, signature: tag }] })],
      ['JSON with an unprotected header', JSON.stringify({ payload, protected: header, header: { alg }, signature: tag })],
      ['five segments', `${header}.${payload}.${tag}.${tag}.${tag}`],
      ['a JWE', `${segment({ alg: 'dir', enc: 'A128GCM' })}..${payload}.${payload}.${tag}`, 'ERR_ALGORITHM_NOT_ALLOWED'],
      ['detached content', `${header}..${tag}`, 'ERR_SIGNATURE_INVALID'],
      ['two tokens', `${header}.${payload}.${tag} ${header}.${payload}.${tag}`],
      ['two tokens with a comma', `${header}.${payload}.${tag},${header}.${payload}.${tag}`],
      ['a scheme in front', `Bearer ${header}.${payload}.${tag}`],
      ['quotes', `"${header}.${payload}.${tag}"`],
      ['a dot in front', `.${header}.${payload}.${tag}`],
      ['a dot behind', `${header}.${payload}.${tag}.`],
      ['a double dot', `${header}..${payload}.${tag}`],
      ['other dots', `${header}\u3002${payload}\u3002${tag}`],
      ['percent signs', `${header}%2E${payload}%2E${tag}`],
      ['no dots', header + payload + tag],
      ['nothing', ''],
      ['one dot', '.'],
      ['two dots', '..'],
    ];
    for (const [form, text, code = 'ERR_TOKEN_MALFORMED'] of forms) {
      it(`${alg}: ${form} is refused`, () => {
        assert.throws(() => verify(text), { name: 'KeyturnError', code });
      });
    }
  }

  it('a token inside a token is the payload of nobody', () => {
    for (const { alg, key, raw } of TEST_KEYS) {
      const inner = createSigner({ key })({});
      assert.throws(() => createVerifier({ key })(rawToken({ alg, cty: 'JWT' }, inner, raw)), MALFORMED);
    }
  });
});
