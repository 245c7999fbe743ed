import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type * as theirs from 'jsonwebtoken';
import whole, * as jwt from 'keyturn/jsonwebtoken';
/** Compiles only if each type can stand for the other. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

const same: readonly true[] = [
  true satisfies Same<jwt.SignOptions, theirs.SignOptions>,
  true satisfies Same<jwt.VerifyOptions, theirs.VerifyOptions>,
  true satisfies Same<jwt.DecodeOptions, theirs.DecodeOptions>,
  true satisfies Same<jwt.Algorithm, theirs.Algorithm>,
  true satisfies Same<jwt.JwtHeader, theirs.JwtHeader>,
  true satisfies Same<jwt.JwtPayload, theirs.JwtPayload>,
  true satisfies Same<jwt.Jwt, theirs.Jwt>,
  true satisfies Same<jwt.Secret, theirs.Secret>,
  true satisfies Same<jwt.PublicKey, theirs.PublicKey>,
  true satisfies Same<jwt.PrivateKey, theirs.PrivateKey>,
  true satisfies Same<jwt.SigningKeyCallback, theirs.SigningKeyCallback>,
  true satisfies Same<jwt.GetPublicKeyOrSecret, theirs.GetPublicKeyOrSecret>,
  true satisfies Same<jwt.SignCallback, theirs.SignCallback>,
  true satisfies Same<jwt.VerifyErrors, theirs.VerifyErrors>,
  true satisfies Same<jwt.VerifyCallback, theirs.VerifyCallback>,
  true satisfies Same<jwt.VerifyCallback<jwt.Jwt>, theirs.VerifyCallback<theirs.Jwt>>,
  true satisfies Same<jwt.JsonWebTokenError, theirs.JsonWebTokenError>,
  true satisfies Same<jwt.TokenExpiredError, theirs.TokenExpiredError>,
  true satisfies Same<jwt.NotBeforeError, theirs.NotBeforeError>,
  true satisfies Same<typeof jwt.JsonWebTokenError, typeof theirs.JsonWebTokenError>,
  true satisfies Same<typeof jwt.TokenExpiredError, typeof theirs.TokenExpiredError>,
  true satisfies Same<typeof jwt.NotBeforeError, typeof theirs.NotBeforeError>,
  true satisfies Same<typeof jwt.sign, typeof theirs.sign>,
  true satisfies Same<typeof jwt.verify, typeof theirs.verify>,
  true satisfies Same<typeof jwt.decode, typeof theirs.decode>,
];

/** What programs written against @types/jsonwebtoken contain; it need only compile. */
export function program(token: string, resolver: jwt.GetPublicKeyOrSecret): void {
  const claims = jwt.verify(token, 'secret') as jwt.JwtPayload;
  const admin = claims['admin'] as boolean;
  const { header, payload, signature } = jwt.verify(token, 'secret', { complete: true, audience: [/a/, 'b'] });
  jwt.verify(token, resolver, { algorithms: ['RS256'], maxAge: '1 day' }, (error, decoded) => {
    if (error instanceof jwt.TokenExpiredError) error.expiredAt.getTime();
    return decoded;
  });
  jwt.sign({ admin, header, payload, signature }, { key: 'pem', passphrase: 'x' }, { algorithm: 'RS256', expiresIn: '15m', header: { alg: 'RS256', kid: 'k' } });
  jwt.sign({}, null, { algorithm: 'none' });
  jwt.sign('text', Buffer.from('secret'), (error, encoded) => encoded?.length ?? error);
  const decoded: jwt.Jwt | null = jwt.decode(token, { complete: true });
  // @ts-expect-error -- there is no such algorithm
  jwt.sign({}, 'secret', { algorithm: 'HS257' });
  // @ts-expect-error -- there is no such unit
  jwt.sign({}, 'secret', { expiresIn: '1 fortnight' });
  decoded?.signature.trim();
}

describe('the types of keyturn/jsonwebtoken', () => {
  it('are those of @types/jsonwebtoken', () => {
    assert.ok(same.length > 20);
    assert.deepEqual(Object.keys(whole as typeof jwt), Object.keys(jwt).filter((name) => name !== 'default'));
  });
});
