import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { createVerifier, generateKey } from 'keyturn';

import { alive, aliveText, type Content, rawToken, segment, signSegments } from '../support/raw-token.js';
import { withUnusedBits } from '../support/tamper.js';
import { TEST_KEYS, type TestKey } from '../support/test-keys.js';

/**
 * Cases over which JWT libraries disagree, and the one answer of this one: a code, or the claims. The signature is good
 * except where the case is the signature.
 */
type Case = readonly [what: string, tokens: (own: TestKey) => string | readonly string[], answer: string, options?: object];

/** A token with this payload. */
const payload = (content: Content) => ({ alg, raw }: TestKey) => rawToken({ alg, typ: 'JWT' }, content, raw);
/** Tokens with these payloads. */
const payloads = (...contents: readonly Content[]) => (own: TestKey) => contents.map((content) => payload(content)(own));
/** Tokens with these headers, in which ALG stands for the key's algorithm. */
const headers = (...texts: readonly string[]) => ({ alg, raw }: TestKey) => texts.map((text) => rawToken(text.replaceAll('ALG', alg), alive(), raw));
/** A good token, its text changed. */
const text = (change: (token: string) => string | readonly string[]) => (own: TestKey) => change(payload(alive({ sub: 'alice' }))(own));
/** A good token, the text of its signature changed. */
const tag = (change: (signature: string) => string | readonly string[]) => text((token) => {
  const dot = token.lastIndexOf('.') + 1;
  const changed = change(token.slice(dot));
  return (typeof changed === 'string' ? [changed] : changed).map((signature) => token.slice(0, dot) + signature);
});
/** A payload segment whose text is changed before it is signed. */
const signed = (change: (segment: string) => string | readonly string[]) => ({ alg, raw }: TestKey) => {
  // With the space there are 19 bytes, and so unused bits.
  const changed = change(segment(`{"exp":${Math.floor(Date.now() / 1000) + 60} }`));
  return (typeof changed === 'string' ? [changed] : changed).map((part) => signSegments(segment({ alg }), part, raw));
};
/** A signature that contains one of these characters. */
const withAlphabet = ({ alg, raw }: TestKey, pattern: RegExp): string => {
  for (let n = 0; ; n += 1) {
    const token = rawToken({ alg }, alive({ n }), raw);
    if (pattern.test(token.slice(token.lastIndexOf('.')))) return token;
  }
};
const ago = (seconds: number): number => Math.floor(Date.now() / 1000) - seconds;
const nested = (depth: number): string => aliveText(`"a":${'['.repeat(depth)}${']'.repeat(depth)}`);

const MALFORMED = 'ERR_TOKEN_MALFORMED';
const LARGE = { maxTokenBytes: 1_048_576 };

const CASES: readonly Case[] = [
  ['signature padded with =', tag((s) => [`${s}=`, `${s}==`]), MALFORMED],
  ['signature with a trailing space, a space inside, a newline inside, a trailing newline', tag((s) => [`${s} `, `${s.slice(0, 9)} ${s.slice(9)}`, `${s.slice(0, 9)}\n${s.slice(9)}`, `${s}\n`]), MALFORMED],
  ['leading space before the token', text((token) => ` ${token}`), MALFORMED],
  ['+ or / in place of - and _ in a signature that contains them', (own) => [
    withAlphabet(own, /-/).replace(/-(?=[^.]*$)/, '+'), withAlphabet(own, /_/).replace(/_(?=[^.]*$)/, '/'),
  ], MALFORMED],
  ['unused bits set in the signature', tag(withUnusedBits), MALFORMED],
  ['payload segment padded with =, signed', signed((part) => [`${part}=`, `${part}==`]), MALFORMED],
  ['unused bits set in the payload, signed', signed(withUnusedBits), MALFORMED],
  ['2 or 4 segments', text((token) => [token.slice(0, token.lastIndexOf('.')), `${token}.`, `${token}.e30`]), MALFORMED],
  ['alg none, None, nOnE, or the name in another case', headers('{"alg":"none"}', '{"alg":"None"}', '{"alg":"nOnE"}', '{"alg":"hs256"}', '{"alg":"eddsa"}'), 'ERR_ALGORITHM_NOT_ALLOWED'],
  ['alg missing, or an array', headers('{}', '{"typ":"JWT"}', '{"alg":["ALG"]}'), MALFORMED],
  ['alg twice: none, then the right one', headers('{"alg":"none","alg":"ALG"}'), MALFORMED],
  ['crit unknown; crit []', headers('{"alg":"ALG","crit":["x"],"x":1}', '{"alg":"ALG","crit":[]}'), 'ERR_HEADER_UNSUPPORTED'],
  ['crit not an array', headers('{"alg":"ALG","crit":"x"}', '{"alg":"ALG","crit":{}}', '{"alg":"ALG","crit":null}'), 'ERR_HEADER_UNSUPPORTED'],
  ['b64:false with crit', headers('{"alg":"ALG","b64":false,"crit":["b64"]}'), 'ERR_HEADER_UNSUPPORTED'],
  ['b64:false without crit, payload still encoded', headers('{"alg":"ALG","b64":false}'), 'ERR_HEADER_UNSUPPORTED'],
  ['sub twice', payload(aliveText('"sub":"alice","sub":"admin"')), MALFORMED],
  ['exp twice: past, then future; future, then past', payloads('{"exp":1,"exp":99999999999}', '{"exp":99999999999,"exp":1}'), MALFORMED],
  ['exp a string, null, true, [], {}, -1, -0.0', payloads('{"exp":"99999999999"}', '{"exp":null}', '{"exp":true}', '{"exp":[]}', '{"exp":{}}', '{"exp":-1}', '{"exp":-0.0}'), 'ERR_CLAIM_INVALID'],
  ['exp a fraction in the past', payload('{"exp":1300819380.5}'), 'ERR_TOKEN_EXPIRED'],
  ['exp 1e400, 1e300: never expires', payloads('{"exp":1e400}', '{"exp":1e300}'), 'ERR_CLAIM_INVALID'],
  ['exp missing', payload('{"sub":"alice"}'), 'ERR_CLAIM_MISSING'],
  ['exp missing, with the policy that allows it', payload('{"sub":"alice"}'), 'claims', { required: [] }],
  ['exp 30 s ago; exp now', (own) => payloads({ exp: ago(30) }, { exp: ago(0) })(own), 'ERR_TOKEN_EXPIRED'],
  ['nbf in the future', payload(aliveText('"nbf":99999999999')), 'ERR_TOKEN_NOT_ACTIVE'],
  ['nbf a string in the future', payload(aliveText('"nbf":"99999999999"')), 'ERR_CLAIM_INVALID'],
  ['iat in the future', payload(aliveText('"iat":99999999999')), 'claims'],
  ['iat in the future, where maxAge asks for the age', payload(aliveText('"iat":99999999999')), 'ERR_CLAIM_INVALID', { maxAge: '1h' }],
  ['payload an array', payloads('[]', '[{"exp":99999999999}]'), MALFORMED],
  ['payload a JSON string', payload('"text"'), MALFORMED],
  ['payload null, not JSON, NaN, trailing garbage', payloads('null', 'foo', 'NaN', `${aliveText('"a":1')}x`), MALFORMED],
  ['header with trailing garbage', headers('{"alg":"ALG"}x', '{"alg":"ALG"}{}'), MALFORMED],
  ['payload that starts with a byte order mark', payload(`\ufeff${aliveText('"a":1')}`), MALFORMED],
  ['payload that is no UTF-8', payload(Buffer.concat([Buffer.from(aliveText('"a":"').slice(0, -1)), Buffer.from([0xff]), Buffer.from('"}')])), MALFORMED],
  ['payload with an escaped lone surrogate', payload(aliveText('"a":"\\ud800"')), MALFORMED],
  ['nesting 32 deep', payload(nested(31)), 'claims'],
  ['nesting 33, 1,000 and 100,000 deep', payloads(nested(32), nested(1000), nested(100_000)), MALFORMED, LARGE],
  ['claim __proto__ {isAdmin:true}', payload(aliveText('"__proto__":{"isAdmin":true}')), MALFORMED],
  ['claim constructor', payload(aliveText('"constructor":{"isAdmin":true}')), 'claims'],
  ['header __proto__', headers('{"alg":"ALG","__proto__":{"isAdmin":true}}'), MALFORMED],
  ['embedded jwk', ({ alg, raw }) => rawToken({ alg, jwk: generateKey('EdDSA').publicJwk() }, alive(), raw), 'claims'],
  ['another typ than the policy names', payload(alive()), 'ERR_TOKEN_TYPE', { typ: 'at+jwt' }],
  ['another typ where the policy names none', headers('{"alg":"ALG","typ":"other"}'), 'claims'],
  ['aud present, none configured', payload(aliveText('"aud":"a"')), 'ERR_CLAIM_INVALID'],
  ['payload of 1 MB', payload(alive({ a: 'x'.repeat(1_000_000) })), 'ERR_TOKEN_TOO_LARGE'],
  ['1 MB of dots', () => '.'.repeat(1_000_000), 'ERR_TOKEN_TOO_LARGE'],
  ['1 MB of dots, where that much is allowed', () => '.'.repeat(1_000_000), MALFORMED, LARGE],
];

for (const own of TEST_KEYS) {
  describe(`the strict answer for ${own.alg}`, () => {
    for (const [what, tokens, answer, options] of CASES) {
      it(`is ${answer === 'claims' ? 'yes' : answer} to: ${what}`, () => {
        const made = tokens(own);
        const list = typeof made === 'string' ? [made] : made;
        // A signature of 132 bytes fills whole quads: there are no unused bits to set.
        assert.ok(list.length > 0 || (own.alg === 'ES512' && what.startsWith('unused bits')));
        const verify = createVerifier({ key: own.key, ...options });
        for (const token of list) {
          if (answer === 'claims') assert.equal(typeof verify(token), 'object');
          else assert.throws(() => verify(token), { name: 'KeyturnError', code: answer }, token.slice(0, 300));
        }
      });
    }

    it('is that of JSON.parse for 12345678901234567890 and 2^53+1', () => {
      const content = aliveText('"a":12345678901234567890,"b":9007199254740993');
      assert.deepEqual(createVerifier({ key: own.key })(payload(content)(own)), JSON.parse(content));
    });
  });
}
