import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { ERROR_CODES, KeyturnError, type KeyturnErrorCode } from '../dist/errors.js';
import { generateKey } from '../dist/keys/generate.js';
import { nativeKeyOf } from '../dist/keys/key.js';
import { native } from '../dist/native.js';
import { fromFailure, fromNumber, translated } from '../dist/native-error.js';

const numberOf = (code: KeyturnErrorCode): number => ERROR_CODES.indexOf(code);
const claimNumber = (claim: string): number => native.claimNames().indexOf(claim) + 1;

/** The number with which the addon answers a malformed token, which carries a reason. */
function numberWithReason(): number {
  const key = nativeKeyOf(generateKey('HS256'));
  assert.ok(key !== undefined);
  const options = { algorithms: [], issuers: [], audiences: [], tolerance: 0, requireExp: true, required: [], maxTokenBytes: 8192 };
  const answer = native.createVerifier(native.NativeKeySet.of([key], false), options)('no token', Date.now());
  assert.equal(typeof answer, 'number');
  return answer as number;
}

describe('fromNumber', () => {
  it('finds the code and the message of every number in the table', () => {
    for (const [number, { code, message }] of native.codes().entries()) {
      const error = fromNumber(number);
      assert.ok(error instanceof KeyturnError && error instanceof Error);
      assert.deepEqual([error.name, error.code, error.message], ['KeyturnError', code, message]);
      assert.deepEqual(Object.keys(error).sort(), ['code', 'name']);
    }
  });

  it('names the claim', () => {
    for (const claim of native.claimNames()) {
      const error = fromNumber(numberOf('ERR_CLAIM_INVALID') | (claimNumber(claim) << 8));
      assert.deepEqual([error.code, error.claim, error.message], ['ERR_CLAIM_INVALID', claim, `A claim is not what was asked for: ${claim}.`]);
    }
  });

  it('names a required claim by its place in the list', () => {
    const required = Array.from({ length: 64 }, (_, index) => `c${index}`);
    for (const index of [0, 1, 63]) {
      const error = fromNumber(numberOf('ERR_CLAIM_MISSING') | ((128 | index) << 8), required);
      assert.deepEqual([error.code, error.claim], ['ERR_CLAIM_MISSING', `c${index}`]);
    }
    assert.equal(fromNumber(numberOf('ERR_CLAIM_MISSING') | (128 << 8)).claim, undefined);
  });

  it('gives the reason', () => {
    const error = fromNumber(numberWithReason());
    assert.deepEqual([error.code, error.reason, error.claim], ['ERR_TOKEN_MALFORMED', 'segments', undefined]);
    assert.equal(error.message, 'The token is not a well-formed compact JWS or JWE: segments.');
  });

  it('makes an internal error of a number that is in no table', () => {
    for (const number of [ERROR_CODES.length, 255]) {
      const error = fromNumber(number);
      assert.deepEqual([error.code, error.message], ['ERR_INTERNAL', 'An unknown error crossed from the addon.']);
    }
    const unknown = fromNumber((0xffff_0000 | (127 << 8)) >>> 0);
    assert.deepEqual([unknown.claim, unknown.reason], [undefined, undefined]);
  });
});

describe('fromFailure', () => {
  it('is the error of its number', () => {
    const error = fromFailure({ error: numberOf('ERR_SESSION_UNKNOWN') });
    assert.deepEqual([error.code, error.message, error.retryAfter], ['ERR_SESSION_UNKNOWN', 'There is no such session.', undefined]);
  });

  it('adds the detail, and after which time a store may be there again', () => {
    const busy = fromFailure({ error: numberOf('ERR_STORE_UNAVAILABLE'), detail: 'The disk is full.' });
    assert.deepEqual([busy.code, busy.retryAfter], ['ERR_STORE_UNAVAILABLE', 1]);
    assert.match(busy.message, /^The session store cannot be reached or written\. The disk is full\.$/);
    assert.equal(fromFailure({ error: numberOf('ERR_STORE_CORRUPT'), detail: 'x' }).retryAfter, undefined);
  });
});

describe('translated', () => {
  it('returns what the call returns', () => {
    assert.equal(translated(() => 7), 7);
  });

  it("makes ours of an error that carries one of the addon's codes, and keeps it as the cause", () => {
    const cause = Object.assign(new Error('not an Ed25519 key'), { code: 'ERR_KEY_INVALID' });
    assert.throws(() => translated(() => { throw cause; }), (error: unknown) =>
      error instanceof KeyturnError && error.code === 'ERR_KEY_INVALID' && error.message === 'not an Ed25519 key' && error.cause === cause);
  });

  it('lets every other error through as it is', () => {
    const others: readonly unknown[] = [
      new Error('plain'), new TypeError('no'), Object.assign(new Error('x'), { code: 'ENOENT' }), Object.assign(new Error('x'), { code: 7 }),
      Object.assign(new Error('x'), { code: 'toString' }), 'a string', undefined, { code: 'ERR_KEY_INVALID' },
    ];
    for (const other of others) {
      let caught: unknown = 'nothing';
      try {
        translated(() => { throw other; });
      } catch (error) {
        caught = error;
      }
      assert.equal(caught, other);
    }
  });
});
