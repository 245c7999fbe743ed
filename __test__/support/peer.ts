import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { createSigner, createVerifier, type Key } from 'keyturn';

import { randomObject, randomSource } from './random.js';
import { respelled, tampered } from './tamper.js';
import { type TestKey, testKey } from './test-keys.js';

/** Another JWT library, as these tests use it. It may answer at once or later. */
export interface Peer {
  readonly name: string;
  /** Signs claims as they are, and adds no `exp`. */
  sign(claims: Readonly<Record<string, unknown>>, key: TestKey): string | Promise<string>;
  /** Returns the claims, or throws. */
  verify(token: string, key: TestKey): unknown;
  /** Claims over which its signer fails, though they are well-formed. It verifies them all the same. */
  readonly cannotSign?: (claims: Readonly<Record<string, unknown>>) => boolean;
}

const CLAIMS = {
  iss: 'https://issuer.example', sub: 'alice', jti: 'j-1', roles: ['admin', 'user'], name: '\u0141ukasz \u{1f600}', deep: { list: [1, null, { a: -0.5 }] },
} as const;

/** Everything is tried with these; of the others, whose operations cost a hundred times as much, every tenth payload or change. */
const isThorough = (alg: Key['alg']): boolean => alg === 'HS256' || alg === 'EdDSA';

/** How many random payloads go each way. */
const randomPayloads = (alg: Key['alg']): number => (isThorough(alg) ? 1000 : 100);

/** Both directions, tampering and random payloads, for one algorithm. */
export function describeInterop(peer: Peer, alg: Key['alg']): void {
  describe(`${peer.name} and keyturn with ${alg}`, () => {
    for (const kid of [undefined, 'k-1']) {
      const own = testKey(alg, kid);
      const named = kid === undefined ? 'without a kid' : 'with a kid';

      it(`verify each other's tokens ${named}`, async () => {
        const exp = Math.floor(Date.now() / 1000) + 60;
        const theirs = await peer.sign({ ...CLAIMS, exp, iat: exp - 60 }, own);
        assert.deepEqual(createVerifier({ key: own.key, issuer: CLAIMS.iss })(theirs), { ...CLAIMS, exp, iat: exp - 60 });
        const ours = createSigner({ key: own.key })({ ...CLAIMS, exp, iat: exp - 60 });
        assert.deepEqual(plain(await peer.verify(ours, own)), { ...CLAIMS, exp, iat: exp - 60 });
      });
    }

    const own = testKey(alg);

    it("refuse each other's tokens under another key", async () => {
      const other = testKey(alg);
      const exp = Math.floor(Date.now() / 1000) + 60;
      const [ours, theirs] = [createSigner({ key: own.key })({}), await peer.sign({ exp }, own)];
      for (const token of [ours, theirs]) {
        assert.throws(() => createVerifier({ key: other.key })(token), { code: 'ERR_SIGNATURE_INVALID' });
        await assert.rejects(async () => peer.verify(token, other));
      }
    });

    it("refuse each other's tokens after their time", async () => {
      const exp = Math.floor(Date.now() / 1000) - 1;
      const [ours, theirs] = [createSigner({ key: own.key })({ exp }), await peer.sign({ exp }, own)];
      assert.throws(() => createVerifier({ key: own.key })(theirs), { code: 'ERR_TOKEN_EXPIRED' });
      await assert.rejects(async () => peer.verify(ours, own));
    });

    it('both refuse a token in which any byte, character or segment was changed', async () => {
      const exp = Math.floor(Date.now() / 1000) + 600;
      const verify = createVerifier({ key: own.key });
      for (const token of [createSigner({ key: own.key })({ exp, sub: 'alice' }), await peer.sign({ exp, sub: 'alice' }, own)]) {
        const all = tampered(token);
        assert.ok(all.length > 500, `only ${all.length} changes were made`);
        const changed = isThorough(alg) ? all : all.filter((_, index) => index % 10 === 0);
        for (const { how, token: bad } of changed) {
          assert.throws(() => verify(bad), { name: 'KeyturnError' }, `keyturn took a token with ${how}`);
          await assert.rejects(async () => peer.verify(bad, own), `${peer.name} took a token with ${how}`);
        }
        // Other spellings of the same bytes: the peers are lax in different ways, keyturn in none.
        for (const { how, token: bad } of respelled(token)) {
          assert.throws(() => verify(bad), { name: 'KeyturnError' }, `keyturn took a token with ${how}`);
        }
      }
    });

    it('read random payloads alike, and as JSON.parse does', async () => {
      const random = randomSource();
      const verify = createVerifier({ key: own.key });
      const sign = createSigner({ key: own.key });
      const exp = Math.floor(Date.now() / 1000) + 600;
      for (let round = 0; round < randomPayloads(alg); round += 1) {
        const claims = { ...randomObject(random), exp, iat: exp - 600 };
        const expected: unknown = JSON.parse(JSON.stringify(claims));
        const ours = sign(claims);
        const both = peer.cannotSign?.(claims) === true ? [ours] : [ours, await peer.sign(claims, own)];
        const repeat = `KEYTURN_SEED=${random.seed} repeats this, round ${round}`;
        assert.deepEqual(JSON.parse(payloadText(ours)), expected, repeat);
        for (const token of both) {
          assert.deepEqual(verify(token), JSON.parse(payloadText(token)), repeat);
          assert.deepEqual(plain(await peer.verify(token, own)), JSON.parse(payloadText(token)), repeat);
        }
      }
    });
  });
}

function payloadText(token: string): string {
  return Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
}

/** A copy on Object.prototype, for libraries that return null-prototype objects. */
function plain(claims: unknown): unknown {
  return typeof claims === 'object' ? { ...claims } : claims;
}
