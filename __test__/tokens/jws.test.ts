import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { createSigner, dangerouslyDecode, generateKey, importKey, type Key, KeyturnError, signJws, verifyJws } from 'keyturn';

import { rawToken } from '../support/raw-token.js';
import { testKey } from '../support/test-keys.js';

const { key, raw: secret } = testKey('HS256');

/** What a call throws; it must throw a KeyturnError. */
function refusal(call: () => unknown): KeyturnError {
  try {
    call();
  } catch (error) {
    assert.ok(error instanceof KeyturnError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: 'nothing was thrown' });
}

describe('signJws and verifyJws', () => {
  it('give any bytes back, with the header', () => {
    for (const alg of ['HS256', 'EdDSA'] as const) {
      const named = generateKey(alg, { kid: 'k1' });
      for (const payload of [Buffer.alloc(0), Buffer.from([0]), Buffer.from([0xff, 0xfe, 0]), Buffer.alloc(100_000, 7), new Uint8Array([1, 2, 3])]) {
        const opened = verifyJws(signJws(payload, named), named);
        assert.ok(Buffer.isBuffer(opened.payload));
        assert.deepEqual(opened.payload, Buffer.from(payload));
        assert.deepEqual(opened.header, { alg, kid: 'k1' });
      }
    }
  });

  it('take text as UTF-8', () => {
    for (const text of ['', 'foo', '{}', '\u0141\u{1f600}\0']) assert.equal(verifyJws(signJws(text, key), key).payload.toString(), text);
    assert.equal(signJws('\u0141', key), signJws(Buffer.from('\u0141'), key));
  });

  it('sign the part of a buffer that a view shows, and not what lies beside it', () => {
    const view = new Uint8Array(Buffer.from('secret foo secret')).subarray(7, 10);
    assert.equal(verifyJws(signJws(view, key), key).payload.toString(), 'foo');
    const shared = new Uint8Array(new SharedArrayBuffer(3)).fill(65);
    assert.equal(verifyJws(signJws(shared, key), key).payload.toString(), 'AAA');
  });

  it('sign to the byte what node:crypto signs', () => {
    assert.equal(signJws('foo', key), rawToken('{"alg":"HS256"}', 'foo', secret));
  });

  it('hand out payloads and headers that nobody else has', () => {
    const jws = signJws('foo', key);
    const one = verifyJws(jws, key);
    one.payload.fill(0);
    (one.header as Record<string, unknown>)['alg'] = 'none';
    const other = verifyJws(jws, key);
    assert.equal(other.payload.toString(), 'foo');
    assert.deepEqual(other.header, { alg: 'HS256' });
  });
});

describe('signJws', () => {
  it('refuses what has no bytes', () => {
    const values: readonly unknown[] = [undefined, null, 7, {}, [1], ['a'], new ArrayBuffer(3), new Uint16Array(2), new DataView(new ArrayBuffer(2)), '\ud800', 'a\udfff', { toString: () => 'a' }, Object.create(Uint8Array.prototype)];
    for (const payload of values) assert.throws(() => signJws(payload as string, key), { code: 'ERR_CLAIMS_INVALID' });
  });

  it('takes 512 KiB and no more, all of which is verified again', () => {
    const most = Buffer.alloc(512 * 1024, 1);
    assert.deepEqual(verifyJws(signJws(most, key), key).payload, most);
    assert.throws(() => signJws(Buffer.alloc(512 * 1024 + 1), key), { code: 'ERR_CLAIMS_INVALID' });
  });

  it('needs one key that can sign', () => {
    const publicHalf = importKey(generateKey('EdDSA').publicJwk(), { alg: 'EdDSA' });
    assert.throws(() => signJws('foo', publicHalf), { code: 'ERR_KEY_INVALID' });
    for (const bad of [undefined, null, 'a secret of 32 bytes is not a key', {}, [key]]) {
      assert.throws(() => signJws('foo', bad as Key), { code: 'ERR_OPTION_INVALID', claim: 'key' });
    }
  });

  it('refuses an option that does not exist', () => {
    assert.throws(() => signJws('foo', key, { headers: {} } as never), { code: 'ERR_OPTION_UNKNOWN' });
  });
});

describe('the header option', () => {
  const ways: readonly (readonly [name: string, sign: (header: unknown, key: Key) => string])[] = [
    ['signJws', (header, with_) => signJws('foo', with_, { header } as never)],
    ['createSigner', (header, with_) => createSigner({ key: with_, header } as never)({})],
  ];
  for (const [name, sign] of ways) {
    it(`of ${name} adds members behind those of the key`, () => {
      const named = generateKey('HS256', { kid: 'k1' });
      const { header } = dangerouslyDecode(`${sign({ cty: 'text/plain', 'x5t#S256': 'abc', nested: { a: [1, null] } }, named).split('.')[0]}.e30.`);
      const { typ, ...rest } = header;
      assert.equal(typ, name === 'signJws' ? undefined : 'JWT');
      assert.equal(JSON.stringify(rest), '{"alg":"HS256","kid":"k1","cty":"text/plain","x5t#S256":"abc","nested":{"a":[1,null]}}');
    });

    it(`of ${name} never decides how the result is verified`, () => {
      const members: readonly object[] = [
        { alg: 'HS256' }, { alg: 'none' }, { crit: ['exp'] }, { crit: [] }, { b64: true }, { b64: false }, { jwk: key }, { jku: 'https://keys.test' },
        { x5c: [] }, { x5u: 'https://keys.test' }, JSON.parse('{"__proto__":{"a":1}}') as object, { a: '\ud800' }, { typ: 7 }, { typ: '' }, { kid: 7 }, { kid: '' }, { a: 'x'.repeat(5000) },
      ];
      for (const header of members) assert.equal(refusal(() => sign(header, key)).code, 'ERR_OPTION_INVALID', JSON.stringify(header));
    });

    it(`of ${name} is an object of plain data`, () => {
      const cycle: Record<string, unknown> = {};
      cycle['cycle'] = cycle;
      for (const header of [null, 7, 'a', [], ['a'], cycle, { a: 1n }, { toJSON: () => 7 }, { toJSON: () => undefined }, () => 7]) {
        assert.equal(refusal(() => sign(header, key)).code, 'ERR_OPTION_INVALID');
      }
      assert.equal(sign(undefined, key).split('.').length, 3);
    });

    it(`of ${name} may repeat the key's kid, give one to a key without, and contradict none`, () => {
      const named = generateKey('HS256', { kid: 'k1' });
      assert.equal(verifyJws(sign({ kid: 'k1' }, named), named).header['kid'], 'k1');
      assert.equal(verifyJws(sign({ kid: 'mine' }, key), key).header['kid'], 'mine');
      assert.match(refusal(() => sign({ kid: 'k2' }, named)).message, /kid/);
    });
  }

  it('sets the typ, and must not contradict the option of that name', () => {
    assert.equal(verifyJws(signJws('', key, { header: { typ: 'JOSE' } }), key).header['typ'], 'JOSE');
    const typOf = (options: object): unknown => dangerouslyDecode(createSigner({ key, ...options })({})).header['typ'];
    assert.equal(typOf({ header: { typ: 'at+jwt' } }), 'at+jwt');
    assert.equal(typOf({ header: { typ: 'at+jwt' }, typ: 'at+jwt' }), 'at+jwt');
    assert.throws(() => typOf({ header: { typ: 'at+jwt' }, typ: 'JWT' }), { code: 'ERR_OPTION_INVALID' });
  });

  it('is read once, when the signer is made', () => {
    const header = { cty: 'before' };
    const sign = createSigner({ key, header });
    header.cty = 'after';
    assert.equal(dangerouslyDecode(sign({})).header['cty'], 'before');
  });
});

describe('verifyJws', () => {
  const refused = (header: string, code: string): void => {
    assert.equal(refusal(() => verifyJws(rawToken(header, 'foo', secret), key)).code, code, header);
  };

  it('is as strict about headers as the verifier of tokens', () => {
    for (const alg of ['"none"', '"None"', '"hs256"', '"HS256 "', '""', '"EdDSA"']) refused(`{"alg":${alg}}`, 'ERR_ALGORITHM_NOT_ALLOWED');
    for (const member of ['"crit":["exp"]', '"crit":[]', '"b64":false', '"b64":true', '"crit":["b64"],"b64":false']) refused(`{"alg":"HS256",${member}}`, 'ERR_HEADER_UNSUPPORTED');
    for (const header of ['{}', '[]', '', '{"alg":["HS256"]}', '{"alg":"none","alg":"HS256"}', '{"alg":"HS256","kid":1}', '{"alg":"HS256","__proto__":{}}', '{"alg":"HS256"} x', '\ufeff{"alg":"HS256"}']) {
      refused(header, 'ERR_TOKEN_MALFORMED');
    }
  });

  it('never looks at a key that comes along', () => {
    const header = JSON.stringify({ alg: 'HS256', jwk: { kty: 'oct', k: 'AAAA' }, jku: 'https://evil.test', x5c: ['MII'], x5u: 'https://evil.test' });
    assert.equal(verifyJws(rawToken(header, 'foo', secret), key).payload.toString(), 'foo');
    assert.equal(refusal(() => verifyJws(rawToken(header, 'foo', secret), generateKey('HS256'))).code, 'ERR_SIGNATURE_INVALID');
  });

  it('reads one form of base64url only', () => {
    const [header, payload, tag] = signJws('fo', key).split('.') as [string, string, string];
    assert.equal(payload, 'Zm8');
    for (const jws of [`${header}=.${payload}.${tag}`, `${header}.${payload}=.${tag}`, `${header}.Zm9.${tag}`, `${header}.${payload}.${tag}=`, ` ${header}.${payload}.${tag}`, `${header}.${payload}.${tag}\n`, `${header}.Zm+.${tag}`, `${header}.\u015am8.${tag}`, `${header}.${payload}.${tag}.`]) {
      assert.equal(refusal(() => verifyJws(jws, key)).code, 'ERR_TOKEN_MALFORMED', jws);
    }
  });

  it('binds a key to its algorithm and its name', () => {
    const [one, other, pair] = [generateKey('HS256', { kid: 'a' }), generateKey('HS256', { kid: 'b' }), generateKey('EdDSA')];
    const jws = signJws('foo', one);
    assert.equal(verifyJws(jws, [other, one]).payload.toString(), 'foo');
    assert.equal(refusal(() => verifyJws(jws, other)).code, 'ERR_KEY_UNKNOWN');
    assert.equal(refusal(() => verifyJws(jws, pair)).code, 'ERR_ALGORITHM_NOT_ALLOWED');
    assert.equal(refusal(() => verifyJws(jws, [one, pair], { algorithms: ['EdDSA'] })).code, 'ERR_ALGORITHM_NOT_ALLOWED');
    assert.equal(verifyJws(jws, [one, pair], { algorithms: ['HS256'] }).payload.toString(), 'foo');
    assert.equal(refusal(() => verifyJws(jws, one, { algorithms: ['EdDSA'] })).code, 'ERR_OPTION_INVALID');
  });

  it('refuses options, keys and values that are none', () => {
    const jws = signJws('foo', key);
    for (const algorithms of [[], [undefined], 'none', ['none'], ['RS1'], [7]]) assert.equal(refusal(() => verifyJws(jws, key, { algorithms: algorithms as never })).code, 'ERR_OPTION_INVALID');
    for (const bad of [undefined, null, '', 'a secret of 32 bytes is not a key', {}, [undefined], Array(2)]) assert.equal(refusal(() => verifyJws(jws, bad as never)).code, 'ERR_OPTION_INVALID');
    assert.equal(refusal(() => verifyJws(jws, [])).code, 'ERR_KEY_INVALID');
    assert.equal(refusal(() => verifyJws(jws, Array<Key>(33).fill(key))).code, 'ERR_KEY_INVALID');
    for (const value of [undefined, null, 7, {}, [jws], Buffer.from(jws), new String(jws), { toString: () => jws }]) {
      assert.equal(refusal(() => verifyJws(value as string, key)).code, 'ERR_TOKEN_MALFORMED');
    }
    assert.equal(refusal(() => verifyJws(jws, key, { algorithm: 'HS256' } as never)).code, 'ERR_OPTION_UNKNOWN');
  });

  it('looks at 1 MiB and no more, and takes its time for neither', () => {
    assert.equal(refusal(() => verifyJws('.'.repeat(1024 * 1024), key)).code, 'ERR_TOKEN_MALFORMED');
    for (const length of [1024 * 1024 + 1, 100_000_000]) {
      const started = performance.now();
      assert.equal(refusal(() => verifyJws('\u0141'.repeat(Math.ceil(length / 2)), key)).code, 'ERR_TOKEN_TOO_LARGE');
      assert.ok(performance.now() - started < 1000);
    }
  });
});
