import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';

import { ERROR_CODES, KeyturnError, type KeyturnErrorCode } from '../dist/errors.js';
import { native } from '../dist/native.js';

const PAGE = join(__dirname, '../docs/errors.md');

/** The headings of docs/errors.md that are codes, in their order. */
function headings(): readonly string[] {
  assert.ok(existsSync(PAGE), 'docs/errors.md is missing: it takes a heading such as "## ERR_TOKEN_MISSING" for each code of lib/errors.ts');
  return Array.from(readFileSync(PAGE, 'utf8').matchAll(/^#+ .*?\b(ERR_[A-Z_]+)\b.*$/gm), ([, code]) => code ?? '');
}

describe('the codes', () => {
  it('are the same in the core and here, in the same order, which is the order on the wire', () => {
    assert.deepEqual(native.codes().map(({ code }) => code), [...ERROR_CODES]);
  });

  it('have one heading each in docs/errors.md, in the same order', () => {
    const found = headings();
    assert.deepEqual(ERROR_CODES.filter((code) => !found.includes(code)), [], 'docs/errors.md has no heading for these');
    assert.deepEqual(found.filter((code) => !(ERROR_CODES as readonly string[]).includes(code)), [], 'docs/errors.md has headings for codes that are none');
    assert.deepEqual(found, [...ERROR_CODES]);
  });

  it('are all different, and of one form', () => {
    assert.equal(new Set(ERROR_CODES).size, ERROR_CODES.length);
    for (const code of ERROR_CODES) assert.match(code, /^ERR(_[A-Z]+)+$/);
  });

  it('fit into the byte that they cross in', () => {
    const numbers = native.codes().map((_row, number) => number);
    assert.ok(Math.max(...numbers) <= 0xff);
  });
});

describe('KeyturnError', () => {
  it('carries its code, and of the details those that are known', () => {
    const cause = new Error('why');
    const error = new KeyturnError('ERR_CLAIM_INVALID', 'No.', { claim: 'aud', reason: 'x', retryAfter: 3, cause });
    assert.ok(error instanceof Error);
    assert.deepEqual([error.name, error.code, error.message, error.claim, error.reason, error.retryAfter, error.cause], ['KeyturnError', 'ERR_CLAIM_INVALID', 'No.', 'aud', 'x', 3, cause]);
    const bare = new KeyturnError('ERR_INTERNAL', 'No.', { claim: undefined, reason: undefined, retryAfter: undefined, cause: undefined });
    for (const member of ['claim', 'reason', 'retryAfter', 'cause']) assert.equal(member in bare, false);
  });

  it('shows its code wherever it is printed', () => {
    const error = new KeyturnError('ERR_TOKEN_EXPIRED', 'The token has expired.');
    assert.match(inspect(error), /KeyturnError: The token has expired\.[^]*code: 'ERR_TOKEN_EXPIRED'/);
    assert.equal(String(error), 'KeyturnError: The token has expired.');
    assert.match(error.stack ?? '', /errors\.test/);
  });

  it('lets a switch over its code be checked', () => {
    const answer = (code: KeyturnErrorCode): string => {
      switch (code) {
        case 'ERR_TOKEN_EXPIRED':
          return 'again';
        default:
          return 'no';
      }
    };
    // @ts-expect-error -- the union is closed
    assert.equal(answer('ERR_SOMETHING_ELSE'), 'no');
  });
});
