import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { projectText, sectionOf } from '../support/documents.js';

/**
 * The attacks on tokens and keys that are known of JWT libraries, by the ids with which the tests of this folder begin. A
 * string says why there is nothing to test.
 */
const ATTACKS: Readonly<Record<string, { readonly attack: string; readonly untested?: string }>> = {
  J1: { attack: 'alg none' },
  J2: { attack: 'a missing or falsy key skips verification' },
  J3: { attack: 'a public key in PEM as the HMAC secret' },
  J4: { attack: 'the same behind a prefix' },
  J5: { attack: 'the same as JWK, DER or base64' },
  J6: { attack: 'algorithms or curves mixed' },
  J7: { attack: 'psychic ECDSA signatures' },
  J8: { attack: 'signatures of another length or encoding' },
  J9: { attack: 'a second valid signature for one message' },
  J10: { attack: 'a key that comes with the token' },
  J11: { attack: 'kid injection' },
  J12: { attack: 'crit ignored' },
  J13: { attack: 'b64 ignored' },
  J14: { attack: 'duplicate members' },
  J15: { attack: 'times that are no times' },
  J16: { attack: 'poisoned options' },
  J17: { attack: 'claims of another type' },
  J18: { attack: 'lax base64url' },
  J19: { attack: 'a revoked token under another spelling' },
  J20: { attack: 'answers remembered from another token, key or time' },
  J21: { attack: 'regular expressions with state' },
  J22: { attack: 'regular expressions that hang' },
  J23: { attack: 'size and depth' },
  J24: { attack: 'weak keys' },
  J25: { attack: 'bad public keys' },
  J26: { attack: 'prototype poisoning' },
  J27: { attack: 'bad Unicode' },
  J28: { attack: 'numbers beyond 2^53' },
  J29: { attack: 'a token of another kind' },
  J30: { attack: 'another serialization' },
  J31: { attack: 'objects with a hostile toString' },
  J32: { attack: 'other bytes verified than read' },
  J33: { attack: 'timing', untested: 'ring compares tags in constant time; a test would measure the machine' },
  J34: { attack: 'decompression' },
};

const SOURCES = join(__dirname, '../../__test__/security');

/** The ids with which tests and suites begin, such as `J3, J4`. */
function testedIds(): ReadonlySet<string> {
  const files = readdirSync(SOURCES).filter((name) => name.endsWith('.test.ts') && name !== 'checklist.test.ts');
  const titles = files.flatMap((name) => Array.from(readFileSync(join(SOURCES, name), 'utf8').matchAll(/\b(?:describe|it)\([`'"]((?:J\d+(?:, )?)+):/g), ([, ids]) => ids ?? ''));
  return new Set(titles.flatMap((ids) => ids.split(', ')));
}

describe('the checklist of attacks', () => {
  it('has a test for each, or a reason why there is none', () => {
    const tested = testedIds();
    for (const [id, { attack, untested }] of Object.entries(ATTACKS)) assert.equal(tested.has(id), untested === undefined, `${id}: ${attack}`);
    assert.deepEqual([...tested].filter((id) => !(id in ATTACKS)), []);
  });

  it('has a row for each in docs/defaults.md', () => {
    const rows = sectionOf(projectText('docs/defaults.md'), 'What a strict verifier refuses').join('\n').matchAll(/^\| (J[\dJ, ]+) \|/gm);
    const ids = Array.from(rows, ([, list = '']) => list.split(', ')).flat();
    assert.deepEqual(ids, Object.keys(ATTACKS));
  });
});
