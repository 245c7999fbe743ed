import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { createSigner, createVerifier, importKey } from 'keyturn';

import { ALGORITHMS } from '../../dist/keys/key.js';
import { newNodeKey, type NodeKey, nodeSign, nodeVerifies } from '../support/node-crypto.js';
import { randomObject, type RandomSource, randomSource } from '../support/random.js';
import { segment } from '../support/raw-token.js';
import { LONG } from '../support/requirements.js';

/** How many tokens go each way; an RSA signature costs as much as fifty of the others. */
const ROUNDS = LONG ? { rsa: 2000, other: 20_000 } : { rsa: 20, other: 200 };

/** After so many tokens comes another key. RSA keys take long to find. */
const TOKENS_A_KEY = { rsa: LONG ? 200 : ROUNDS.rsa, other: 10 };

const MODULUS_LENGTHS = LONG ? [2048, 2056, 3072, 4096] : [2048];

const MAX_TOKEN_BYTES = 65_536;

const NOW = Math.floor(Date.now() / 1000);

for (const alg of ALGORITHMS) {
  const family = /^[RP]S/.test(alg) ? 'rsa' : 'other';

  describe(`node:crypto and keyturn with ${alg}`, () => {
    it('take what the other signed, refuse it once a bit was changed, and read the same', () => {
      const random = randomSource();
      for (let round = 0; round < ROUNDS[family]; round += TOKENS_A_KEY[family]) {
        const key = newNodeKey(alg, random, random.pick(MODULUS_LENGTHS));
        const both = pairOf(alg, key);
        for (let turn = 0; turn < TOKENS_A_KEY[family]; turn += 1) exchange(both, random, `KEYTURN_SEED=${random.seed} repeats the data of round ${round + turn}`);
      }
    });
  });
}

interface Pair {
  readonly alg: string;
  readonly key: NodeKey;
  readonly sign: (claims: Readonly<Record<string, unknown>>) => string;
  /** By the private key's public half, and by the public key. */
  readonly verify: readonly ((token: string) => unknown)[];
}

function pairOf(alg: (typeof ALGORITHMS)[number], key: NodeKey): Pair {
  const keys = [importKey(key.privateKey, { alg }), importKey(key.publicKey, { alg })] as const;
  return {
    alg,
    key,
    sign: createSigner({ key: keys[0], expiresIn: false }),
    verify: keys.map((one) => createVerifier({ key: one, maxTokenBytes: MAX_TOKEN_BYTES })),
  };
}

function exchange({ alg, key, sign, verify }: Pair, random: RandomSource, repeat: string): void {
  const claims = { ...randomObject(random), pad: 'p'.repeat(random.below(random.pick([4, 100, 5000]))), iat: NOW, exp: NOW + 600 };
  const expected: unknown = JSON.parse(JSON.stringify(claims));

  const ours = sign(claims);
  const [header = '', payload = '', signature = ''] = ours.split('.');
  assert.deepEqual(JSON.parse(textOf(payload)), expected, repeat);
  assert.equal((JSON.parse(textOf(header)) as { alg: string }).alg, alg, repeat);
  assert.ok(nodeVerifies(alg, `${header}.${payload}`, Buffer.from(signature, 'base64url'), key), `${repeat}: ${ours}`);

  const input = `${segment(random.pick([{ alg }, { alg, typ: 'JWT' }, { typ: 'x', other: [claims['pad']], alg }]))}.${segment(JSON.stringify(claims))}`;
  const theirs = nodeSign(alg, input, key);
  const token = `${input}.${theirs.toString('base64url')}`;
  for (const read of verify) assert.deepEqual(read(token), expected, `${repeat}: ${token}`);

  const at = random.below(theirs.length);
  theirs[at] = (theirs[at] ?? 0) ^ (1 << random.below(8));
  assert.equal(nodeVerifies(alg, input, theirs, key), false, `${repeat}: ${token}`);
  for (const read of verify) assert.throws(() => read(`${input}.${theirs.toString('base64url')}`), { code: 'ERR_SIGNATURE_INVALID' }, `${repeat}: ${token}`);
}

function textOf(part: string): string {
  return Buffer.from(part, 'base64url').toString('utf8');
}
