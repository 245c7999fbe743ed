import assert from 'node:assert/strict';
import { before, describe, it, mock } from 'node:test';

import { addedClaims } from '../../dist/jsonwebtoken/added-claims.js';
import type { SignOptions } from '../../dist/jsonwebtoken/types.js';

const NOW = 1_700_000_000;

describe('the claims that options add', () => {
  before(() => mock.timers.enable({ apis: ['Date'], now: NOW * 1000 + 999 }));

  it('stand in the order in which npm jsonwebtoken writes them', () => {
    const options: SignOptions = { jwtid: 'j', subject: 's', issuer: 'i', audience: ['a', 'b'], expiresIn: 60, notBefore: '1s' };
    const text = `{"iat":${String(NOW)},"nbf":${String(NOW + 1)},"exp":${String(NOW + 60)},"aud":["a","b"],"iss":"i","sub":"s","jti":"j"}`;
    assert.equal(addedClaims(options), text);
    assert.equal(addedClaims({ noTimestamp: true }), '{}');
  });

  it('are those of this call, whatever the last one added', () => {
    const audience = ['a'];
    assert.equal(addedClaims({ audience, noTimestamp: true }), '{"aud":["a"]}');
    audience.push('b');
    assert.equal(addedClaims({ audience, noTimestamp: true }), '{"aud":["a","b"]}');
    for (const issuer of ['x', 'y', 'y', 'x']) assert.equal(addedClaims({ issuer, noTimestamp: true }), `{"iss":"${issuer}"}`);
    const text = addedClaims({ issuer: 'x' });
    mock.timers.tick(1000);
    assert.notEqual(addedClaims({ issuer: 'x' }), text);
  });

  it('are none where a span is none', () => {
    for (const option of ['notBefore', 'expiresIn'] as const) {
      const answer = addedClaims({ [option]: '1 fortnight' });
      assert.ok(answer instanceof Error && answer.message.startsWith(`"${option}" should be`));
    }
  });
});
