import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';

import { createSigner, createVerifier, importKey, KeyturnError } from 'keyturn';

import { alive, rawToken, segment, signSegments } from '../support/raw-token.js';
import { TEST_KEYS, testKey } from '../support/test-keys.js';

/** Signs this header with each key, for the algorithm that ALG stands for, and expects the code. */
function refuses(header: string, code: string): void {
  for (const { alg, key, raw } of TEST_KEYS) {
    const text = header.replaceAll('ALG', alg);
    assert.throws(() => createVerifier({ key })(rawToken(text, alive(), raw)), { code }, text);
  }
}

function accepts(header: string): void {
  for (const { alg, key, raw } of TEST_KEYS) {
    assert.equal(createVerifier({ key })(rawToken(header.replaceAll('ALG', alg), alive({ sub: 'alice' }), raw)).sub, 'alice');
  }
}

describe('J10: a key that comes with the token', () => {
  const attacker = generateKeyPairSync('ed25519');
  const jwk = attacker.publicKey.export({ format: 'jwk' });

  it('is not used, in whatever parameter it comes', () => {
    const ed = testKey('EdDSA');
    const parameters: readonly object[] = [
      { jwk }, { x5c: ['MIIB'] }, { jku: 'http://127.0.0.1:1/jwks.json' }, { x5u: 'http://127.0.0.1:1/cert.pem' }, { jwk, kid: 'attacker' }, { x5t: 'AAAA' }, { keys: [jwk] },
      { 'x5t#S256': 'AAAA' }, { epk: jwk }, { k: 'AAAA' },
    ];
    for (const parameter of parameters) {
      const token = rawToken({ alg: 'EdDSA', ...parameter }, alive(), attacker.privateKey);
      assert.throws(() => createVerifier({ key: ed.key })(token), { code: 'ERR_SIGNATURE_INVALID' });
      // Without the attack such a parameter means nothing.
      createVerifier({ key: ed.key })(rawToken({ alg: 'EdDSA', ...parameter }, alive(), ed.raw));
    }
  });
});

describe('J11: a kid from outside', () => {
  const named = testKey('EdDSA', 'k1');
  const verify = createVerifier({ key: [named.key, testKey('EdDSA', 'k2').key] });
  const hostile = ['../../dev/null', '/dev/null', "' OR 1=1 --", 'k1\r\nX: y', 'k1\0', 'K1', 'k1 ', ' k1', '', '__proto__', 'constructor', 'toString', 'k\u0131', 'k1\ufeff', '*', 'k1,k2', '0'];
  for (const kid of hostile) {
    it(`finds no key by ${JSON.stringify(kid)}`, () => {
      assert.throws(() => verify(rawToken({ alg: 'EdDSA', kid }, alive(), named.raw)), { code: 'ERR_KEY_UNKNOWN' });
    });
  }

  it('is a string or refused', () => {
    for (const kid of ['1', 'null', 'true', '["k1"]', '{"a":1}', '1e400', '{"toString":"k1"}']) refuses(`{"alg":"ALG","kid":${kid}}`, 'ERR_TOKEN_MALFORMED');
  });

  it('of a megabyte is refused for the length of the token', () => {
    assert.throws(() => verify(rawToken({ alg: 'EdDSA', kid: 'x'.repeat(1_000_000) }, alive(), named.raw)), { code: 'ERR_TOKEN_TOO_LARGE' });
    for (const kid of ['x'.repeat(257), 'x'.repeat(4000)]) {
      assert.throws(() => verify(rawToken({ alg: 'EdDSA', kid }, alive(), named.raw)), { name: 'KeyturnError' });
    }
  });

  it('of more than 256 bytes, which no key can have, is refused whatever the keys are', () => {
    const unnamed = testKey('EdDSA');
    for (const kid of ['x'.repeat(257), '\u0141'.repeat(129)]) {
      assert.throws(() => createVerifier({ key: unnamed.key })(rawToken({ alg: 'EdDSA', kid }, alive(), unnamed.raw)), { name: 'KeyturnError' });
    }
  });

  it('says nothing of itself in the error', () => {
    const kid = 'hunter2-hunter2';
    assert.throws(() => verify(rawToken({ alg: 'EdDSA', kid }, alive(), named.raw)), (error: unknown) =>
      error instanceof KeyturnError && !`${error.message}${JSON.stringify(error)}`.includes(kid));
  });
});

describe('J12: crit', () => {
  const crits = ['["exp"]', '["http://example.com/UNDEFINED"]', '[]', '"b64"', '{}', 'null', 'true', '7', '["alg"]', '["kid","kid"]', '["x","x"]', '[""]', '[7]', '[["b64"]]'];
  for (const crit of crits) {
    it(`is refused as ${crit}, with the extension in the header and without`, () => {
      refuses(`{"alg":"ALG","crit":${crit}}`, 'ERR_HEADER_UNSUPPORTED');
      refuses(`{"crit":${crit},"exp":1,"http://example.com/UNDEFINED":true,"alg":"ALG"}`, 'ERR_HEADER_UNSUPPORTED');
    });
  }

  it('is refused in another spelling of its name', () => {
    for (const name of ['"cr\\u0069t"', '"\\u0063rit"', '"c\\u0072it"']) refuses(`{"alg":"ALG",${name}:["b64"]}`, 'ERR_HEADER_UNSUPPORTED');
  });

  it('means nothing inside another member', () => {
    accepts('{"alg":"ALG","x":{"crit":["b64"]}}');
    accepts('{"alg":"ALG","Crit":["b64"]}');
  });
});

describe('J13: b64', () => {
  it('is refused with crit and without, false and true', () => {
    for (const value of ['false', 'true', 'null', '0', '"false"']) {
      refuses(`{"alg":"ALG","b64":${value}}`, 'ERR_HEADER_UNSUPPORTED');
      refuses(`{"alg":"ALG","b64":${value},"crit":["b64"]}`, 'ERR_HEADER_UNSUPPORTED');
    }
    refuses('{"alg":"ALG","\\u00624":false,"b6\\u0034":false}', 'ERR_HEADER_UNSUPPORTED');
  });

  it('is refused over a payload that is not encoded', () => {
    for (const { alg, key, raw } of TEST_KEYS) {
      for (const header of [{ alg, b64: false, crit: ['b64'] }, { alg, b64: false }]) {
        const token = signSegments(segment(header), JSON.stringify(alive()), raw);
        assert.throws(() => createVerifier({ key })(token), { code: 'ERR_HEADER_UNSUPPORTED' });
      }
    }
  });
});

describe('J14, J26, J27: a header that two readers could read in two ways', () => {
  const malformed: readonly (readonly [what: string, header: string])[] = [
    ['alg twice, none first', '{"alg":"none","alg":"ALG"}'],
    ['alg twice, none last', '{"alg":"ALG","alg":"none"}'],
    ['alg twice, the same', '{"alg":"ALG","alg":"ALG"}'],
    ['alg twice, once with an escape', '{"alg":"ALG","\\u0061lg":"none"}'],
    ['kid twice', '{"alg":"ALG","kid":"a","kid":"b"}'],
    ['any member twice, also further in', '{"alg":"ALG","x":{"y":1,"y":2}}'],
    ['a member named __proto__', '{"alg":"ALG","__proto__":{"kid":"k1"}}'],
    ['half of a surrogate pair', '{"alg":"ALG","x":"\\ud800"}'],
    ['a byte order mark', '\ufeff{"alg":"ALG"}'],
    ['something behind', '{"alg":"ALG"} x'],
    ['a NUL behind', '{"alg":"ALG"}\0'],
    ['two objects', '{"alg":"ALG"}{"alg":"ALG"}'],
    ['a comment', '{"alg":"ALG"/**/}'],
    ['a comma too many', '{"alg":"ALG",}'],
    ['single quotes', "{'alg':'ALG'}"],
    ['a control character', '{"alg":"ALG","x":"\n"}'],
    ['nesting deeper than 32', `{"alg":"ALG","x":${'['.repeat(32)}${']'.repeat(32)}}`],
    ['a list', '["ALG"]'],
    ['a string', '"ALG"'],
    ['null', 'null'],
    ['nothing', ''],
    ['no JSON', 'alg=ALG'],
    ['no alg', '{"typ":"JWT"}'],
    ['an alg that is null', '{"alg":null}'],
    ['an alg that is a list', '{"alg":["ALG"]}'],
    ['an alg that is an object', '{"alg":{"alg":"ALG"}}'],
    ['an alg that is a number', '{"alg":256}'],
    ['a typ that is no string', '{"alg":"ALG","typ":7}'],
  ];
  for (const [what, header] of malformed) {
    it(`is refused: ${what}`, () => {
      refuses(header, 'ERR_TOKEN_MALFORMED');
    });
  }

  it('is refused: bytes that are no UTF-8', () => {
    for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xc3]]) {
      for (const { alg, key, raw } of TEST_KEYS) {
        const header = Buffer.concat([Buffer.from(`{"alg":"${alg}","x":"`), Buffer.from(bytes), Buffer.from('"}')]);
        assert.throws(() => createVerifier({ key })(rawToken(header, alive(), raw)), { code: 'ERR_TOKEN_MALFORMED' });
      }
    }
  });

  it('but is taken with members that mean nothing to us, and with white space', () => {
    for (const header of [
      '{"alg":"ALG","constructor":{"name":"x"},"toString":1,"hasOwnProperty":null}', ' {\t"alg" :\r\n"ALG" } ', '{"alg":"ALG","cty":"JWT","zip":"DEF","enc":"A128GCM"}',
      '{"typ":"JWT","x":{"alg":"none"},"alg":"ALG"}', '{"alg":"ALG","":"","iss":"x","exp":1}',
    ]) accepts(header);
  });
});

describe('J29: a token of another kind', () => {
  it('is refused by its typ where one is asked for', () => {
    for (const { key } of TEST_KEYS) {
      const verify = createVerifier({ key, typ: 'at+jwt' });
      verify(createSigner({ key, typ: 'at+jwt' })({}));
      for (const typ of [undefined, 'JWT', 'id+jwt', 'refresh+jwt', 'at+jwt+x', 'at', 'dpop+jwt', 'logout+jwt', 'application/jwt']) {
        assert.throws(() => verify(createSigner({ key, typ })({})), { code: 'ERR_TOKEN_TYPE' });
      }
    }
  });

  it('is refused by its audience, unless that is the one of this service', () => {
    for (const { key } of TEST_KEYS) {
      const forOthers = createSigner({ key, audience: 'https://other.example' })({});
      for (const audience of [undefined, 'https://api.example', 'https://other.example/', 'https://other']) {
        assert.throws(() => createVerifier({ key, audience })(forOthers), { code: 'ERR_CLAIM_INVALID', claim: 'aud' });
      }
    }
  });

  it('is refused by its key, since one kind has nothing to do with the key of another', () => {
    const [access, csrf] = [testKey('HS256', 'access'), testKey('HS256', 'csrf')];
    assert.throws(() => createVerifier({ key: access.key })(createSigner({ key: csrf.key })({})), { code: 'ERR_KEY_UNKNOWN' });
    const publicKey = importKey(createPublicKey(testKey('EdDSA').raw), { alg: 'EdDSA' });
    assert.throws(() => createVerifier({ key: publicKey })(createSigner({ key: csrf.key })({})), { code: 'ERR_ALGORITHM_NOT_ALLOWED' });
  });
});
