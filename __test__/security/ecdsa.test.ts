import assert from 'node:assert/strict';
import { createPublicKey, verify as verifyWithNode } from 'node:crypto';
import { describe, it } from 'node:test';

import { type Algorithm, createVerifier } from 'keyturn';

import { alive, rawToken } from '../support/raw-token.js';
import { testKey } from '../support/test-keys.js';

/** The order of each curve's group (SEC 2, sections 2.4.2, 2.5.1 and 2.6.1). */
const ORDERS: Readonly<Partial<Record<Algorithm, bigint>>> = {
  ES256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  ES384: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  ES512: BigInt(`0x1${'f'.repeat(65)}a51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409`),
};

for (const [name, order] of Object.entries(ORDERS)) {
  const alg = name as Algorithm;
  const { key, raw } = testKey(alg);
  const verify = createVerifier({ key });
  const token = rawToken({ alg }, alive({ sub: 'alice' }), raw);
  const input = token.slice(0, token.lastIndexOf('.'));
  const signature = Buffer.from(token.slice(input.length + 1), 'base64url');
  const half = signature.length / 2;
  const bytes = (value: bigint, length = half): Buffer => Buffer.from(value.toString(16).padStart(length * 2, '0'), 'hex');
  const number = (part: Buffer): bigint => BigInt(`0x${part.toString('hex')}`);
  const withSignature = (...parts: readonly Buffer[]): string => `${input}.${Buffer.concat(parts).toString('base64url')}`;
  const [r, s] = [signature.subarray(0, half), signature.subarray(half)];

  describe(`J7: r and s out of range, for ${alg}`, () => {
    const edges = [0n, 1n, order - 1n, order, order + 1n, 2n ** BigInt(half * 8) - 1n];

    it('are no signature of anything', () => {
      for (const first of edges) {
        for (const second of edges) {
          assert.throws(() => verify(withSignature(bytes(first), bytes(second))), { code: 'ERR_SIGNATURE_INVALID' }, `${first}, ${second}`);
        }
      }
    });

    it('are none either beside the good other half', () => {
      for (const edge of edges) {
        for (const bad of [withSignature(bytes(edge), s), withSignature(r, bytes(edge))]) assert.throws(() => verify(bad), { code: 'ERR_SIGNATURE_INVALID' });
      }
      const wrapped = [number(r) + order, number(s) + order].filter((value) => value < 2n ** BigInt(half * 8));
      for (const value of wrapped) {
        for (const bad of [withSignature(bytes(value), s), withSignature(r, bytes(value))]) assert.throws(() => verify(bad), { code: 'ERR_SIGNATURE_INVALID' });
      }
    });
  });

  describe(`J8: another encoding of a good signature, for ${alg}`, () => {
    it('is refused: DER, zeros around it, halves of another length, and none at all', () => {
      const integer = (part: Buffer): Buffer => {
        const digits = Buffer.concat([Buffer.alloc(1), part.subarray(part.findIndex((byte) => byte !== 0))]);
        const content = (digits[1] ?? 0) < 0x80 ? digits.subarray(1) : digits;
        return Buffer.concat([Buffer.from([2, content.length]), content]);
      };
      const content = Buffer.concat([integer(r), integer(s)]);
      const der = Buffer.concat([Buffer.from(content.length < 128 ? [0x30, content.length] : [0x30, 0x81, content.length]), content]);
      assert.ok(verifyWithNode(`sha${alg.slice(2)}`, Buffer.from(input), createPublicKey(raw), der), 'the DER form is a good one');
      const zero = Buffer.alloc(1);
      const others = [[der], [zero, signature], [signature, zero], [zero, r, zero, s], [r, zero, s], [r], [s], [], [signature, signature], [signature.subarray(1)], [signature.subarray(0, -1)], [signature, Buffer.alloc(4000)]];
      for (const parts of others) {
        assert.throws(() => verify(withSignature(...parts)), { code: 'ERR_SIGNATURE_INVALID' }, `${parts.map(({ length }) => length).join(' + ')} bytes`);
      }
    });
  });

  describe(`J9: the other s of a good signature, for ${alg}`, () => {
    it('is as good, which is why nothing takes a signature for the name of a token', () => {
      const twin = withSignature(r, bytes(order - number(s)));
      assert.notEqual(twin, token);
      assert.deepEqual(verify(twin), verify(token));
    });
  });
}
