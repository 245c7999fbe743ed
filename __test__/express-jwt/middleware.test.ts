import assert from 'node:assert/strict';
import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, it } from 'node:test';

import type { Params } from 'express-jwt';
import jwt from 'jsonwebtoken';

import { rawToken, segment } from '../support/raw-token.js';
import { describeError, EXPRESS_VERSIONS, type Note, PACKAGES, Twins } from './twins.js';

const SECRET = 'a secret of at least thirty-two bytes';
const OTHER_SECRET = 'another secret of thirty-two bytes!!!';
const SECRET_KEY = createSecretKey(Buffer.from(SECRET));
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const RSA_PEM = RSA.publicKey.export({ type: 'spki', format: 'pem' }).toString();

const NOW = Math.floor(Date.now() / 1000);
const CLAIMS = { sub: 'alice', roles: ['admin'], iat: NOW - 10, exp: NOW + 600, iss: 'me', aud: 'api', jti: 'j-1', nonce: 'n-1' } as const;

/** The claims that a token has, less those that are undefined here, under SECRET unless said otherwise. */
function token(changes: Readonly<Record<string, unknown>> = {}, key: jwt.Secret = SECRET, options: jwt.SignOptions = {}): string {
  const claims = Object.fromEntries(Object.entries<unknown>({ ...CLAIMS, ...changes }).filter(([, value]) => value !== undefined));
  return jwt.sign(claims, key, { noTimestamp: true, ...options });
}

/** What a client may send as its Authorization header. */
const HEADERS: Readonly<Record<string, string | undefined>> = {
  'no header': undefined,
  'an empty header': '',
  'another scheme': 'Basic dXNlcjpwYXNz',
  'the scheme alone': 'Bearer',
  'a scheme that begins alike': `Bearers ${token()}`,
  'three words': `Bearer ${token()} more`,
  'two spaces': `Bearer  ${token()}`,
  'a token without a scheme': token(),
  'a comma between two': `Bearer ${token()}, Bearer ${token()}`,
  'a good token': `Bearer ${token()}`,
  'a good token in lower case': `bearer ${token()}`,
  'a good token in capitals': `BEARER ${token()}`,
  'no token at all': 'Bearer nonsense',
  'two segments': 'Bearer a.b',
  'three segments of nothing': 'Bearer a.b.c',
  'four segments': `Bearer ${token()}.x`,
  'an empty signature': `Bearer ${token().replace(/[^.]+$/, '')}`,
  'a header that is no JSON': `Bearer ${segment('{')}.${segment('{}')}.AAAA`,
  'a header without alg': `Bearer ${rawToken('{}', '{}', SECRET_KEY)}`,
  'a payload that is no JSON': `Bearer ${rawToken({ alg: 'HS256', typ: 'JWT' }, 'no json', SECRET_KEY)}`,
  'a payload of text': `Bearer ${jwt.sign('just text', SECRET)}`,
  'a payload that is an array': `Bearer ${rawToken({ alg: 'HS256' }, '[1]', SECRET_KEY)}`,
  'a payload with __proto__': `Bearer ${rawToken({ alg: 'HS256' }, '{"__proto__":{"admin":true},"sub":"eve"}', SECRET_KEY)}`,
  'the algorithm none': `Bearer ${jwt.sign({ sub: 'eve' }, '', { algorithm: 'none' })}`,
  'another secret': `Bearer ${token({}, OTHER_SECRET)}`,
  'another algorithm of the family': `Bearer ${token({}, SECRET, { algorithm: 'HS512' })}`,
  RS256: `Bearer ${token({}, RSA.privateKey, { algorithm: 'RS256' })}`,
  PS384: `Bearer ${token({}, RSA.privateKey, { algorithm: 'PS384' })}`,
  ES256: `Bearer ${token({}, EC.privateKey, { algorithm: 'ES256' })}`,
  'a key id': `Bearer ${token({}, OTHER_SECRET, { keyid: 'other' })}`,
  expired: `Bearer ${token({ exp: NOW - 60 })}`,
  'expired and revoked': `Bearer ${token({ exp: NOW - 60, jti: 'revoked' })}`,
  'just expired': `Bearer ${token({ exp: NOW - 5 })}`,
  'not yet active': `Bearer ${token({ nbf: NOW + 600 })}`,
  'an exp of text': `Bearer ${rawToken({ alg: 'HS256' }, { exp: 'soon' }, SECRET_KEY)}`,
  'no exp': `Bearer ${token({ exp: undefined })}`,
  'no iat': `Bearer ${token({ iat: undefined })}`,
  old: `Bearer ${token({ iat: NOW - 7200 })}`,
  'another audience': `Bearer ${token({ aud: 'other' })}`,
  'several audiences': `Bearer ${token({ aud: ['other', 'api'] })}`,
  'no audience': `Bearer ${token({ aud: undefined })}`,
  'another issuer': `Bearer ${token({ iss: 'you' })}`,
  'another subject': `Bearer ${token({ sub: 'bob' })}`,
  'another jti': `Bearer ${token({ jti: 'revoked' })}`,
  'another nonce': `Bearer ${token({ nonce: 'n-2' })}`,
};

/** One for each way out of the middleware: the other version of Express is asked no more than these. */
const ENOUGH = ['no header', 'another scheme', 'three words', 'a good token', 'no token at all', 'expired', 'another jti'];

const PREFLIGHTS = ['authorization', 'content-type, Authorization ', 'AUTHORIZATION,x', 'x-authorization', 'content-type', ''];

function fail(text: string): never {
  throw new Error(text);
}

/** Options by name; each mounted on its own. */
function optionSets(note: Note): Readonly<Record<string, Params>> {
  const find = (_req: unknown, found: jwt.Jwt | undefined): KeyObject | string => (found?.header.kid === 'other' ? OTHER_SECRET : SECRET);
  const fromQuery: Params['getToken'] = (req) => req.query['token'] as string | undefined;
  return {
    'a string': { secret: SECRET, algorithms: ['HS256'] },
    'a Buffer': { secret: Buffer.from(SECRET), algorithms: ['HS256'] },
    'a secret KeyObject': { secret: SECRET_KEY, algorithms: ['HS256', 'HS512'] },
    'a public PEM': { secret: RSA_PEM, algorithms: ['RS256', 'PS384'] },
    'a public KeyObject': { secret: RSA.publicKey, algorithms: ['RS256'] },
    'a private KeyObject': { secret: EC.privateKey, algorithms: ['ES256'] },
    'an elliptic key': { secret: EC.publicKey, algorithms: ['ES256'] },
    'a key of another kind': { secret: EC.publicKey, algorithms: ['RS256'] },
    'an unknown algorithm': { secret: SECRET, algorithms: ['nonsense' as 'HS256'] },
    'no algorithm': { secret: SECRET, algorithms: [] },
    'a function': { secret: (req, found) => (note('secret', found), find(req, found)), algorithms: ['HS256'] },
    'an async function': { secret: async (req, found) => (note('secret', found), find(req, found)), algorithms: ['HS256'] },
    'a function that throws': { secret: () => fail('no key today'), algorithms: ['HS256'] },
    'a function that rejects': { secret: async () => fail('no key today'), algorithms: ['HS256'] },
    'a function that finds nothing': { secret: async () => undefined, algorithms: ['HS256'] },
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what is no Error has to pass through as well
    'a function that rejects with text': { secret: () => Promise.reject('text'), algorithms: ['HS256'] },
    getToken: { secret: SECRET, algorithms: ['HS256'], getToken: fromQuery },
    'an async getToken': { secret: SECRET, algorithms: ['HS256'], getToken: async (req) => fromQuery(req) as Promise<string> },
    'a getToken that throws': { secret: SECRET, algorithms: ['HS256'], getToken: () => fail('no token today') },
    'a getToken that gives a number': { secret: SECRET, algorithms: ['HS256'], getToken: () => 5 as unknown as string },
    'getToken, not required': { secret: SECRET, algorithms: ['HS256'], getToken: fromQuery, credentialsRequired: false },
    'not required': { secret: SECRET, algorithms: ['HS256'], credentialsRequired: false },
    'required by null': { secret: SECRET, algorithms: ['HS256'], credentialsRequired: null as unknown as boolean },
    isRevoked: { secret: SECRET, algorithms: ['HS256'], isRevoked: (_req, found) => (note('isRevoked', found), isRevoked(found)) },
    'an async isRevoked': { secret: SECRET, algorithms: ['HS256'], isRevoked: async (_req, found) => isRevoked(found) },
    'an isRevoked that throws': { secret: SECRET, algorithms: ['HS256'], isRevoked: () => fail('no list today') },
    'an isRevoked that rejects': { secret: SECRET, algorithms: ['HS256'], isRevoked: async () => fail('no list today') },
    onExpired: {
      secret: SECRET,
      algorithms: ['HS256'],
      isRevoked: async (_req, found) => isRevoked(found),
      onExpired: (_req, error) => note('onExpired', error.message, error.code, error.inner),
    },
    'an onExpired that throws': {
      secret: SECRET,
      algorithms: ['HS256'],
      onExpired: async (_req, error) => {
        if (error.inner.message === 'jwt expired') throw error;
      },
    },
    'another property': { secret: SECRET, algorithms: ['HS256'], requestProperty: 'user' },
    'a nested property': { secret: SECRET, algorithms: ['HS256'], requestProperty: 'session.list[1].claims' },
    'a property that is no text': { secret: SECRET, algorithms: ['HS256'], requestProperty: 5 as unknown as string },
    'an empty property': { secret: SECRET, algorithms: ['HS256'], requestProperty: '' },
    audience: { secret: SECRET, algorithms: ['HS256'], audience: 'api' },
    'audience by pattern': { secret: SECRET, algorithms: ['HS256'], audience: [/^ap/, 'x'] },
    issuer: { secret: SECRET, algorithms: ['HS256'], issuer: ['me', 'her'] },
    subject: { secret: SECRET, algorithms: ['HS256'], subject: 'alice' },
    jwtid: { secret: SECRET, algorithms: ['HS256'], jwtid: 'j-1' },
    nonce: { secret: SECRET, algorithms: ['HS256'], nonce: 'n-1' },
    'clockTolerance': { secret: SECRET, algorithms: ['HS256'], clockTolerance: 30 },
    'clockTimestamp': { secret: SECRET, algorithms: ['HS256'], clockTimestamp: NOW + 900 },
    'a clockTimestamp of text': { secret: SECRET, algorithms: ['HS256'], clockTimestamp: 'now' as unknown as number },
    'maxAge': { secret: SECRET, algorithms: ['HS256'], maxAge: '1h' },
    'a maxAge of nonsense': { secret: SECRET, algorithms: ['HS256'], maxAge: 'nonsense' },
    ignoreExpiration: { secret: SECRET, algorithms: ['HS256'], ignoreExpiration: true },
    ignoreNotBefore: { secret: SECRET, algorithms: ['HS256'], ignoreNotBefore: true },
    complete: { secret: SECRET, algorithms: ['HS256'], complete: true },
  };
}

function isRevoked(found: jwt.Jwt | undefined): boolean {
  return (found?.payload as jwt.JwtPayload).jti === 'revoked';
}

for (const [version, make] of EXPRESS_VERSIONS) {
  it(`the middleware in ${version} does what express-jwt does`, async (t) => {
    const twins = await Twins.start(t, make, (app, { expressjwt }, note) => {
      for (const [index, options] of Object.values(optionSets(note)).entries()) app.use(`/${index}`, expressjwt(options));
    });
    for (const [index, name] of Object.keys(optionSets(() => {})).entries()) {
      await t.test(`with ${name}`, async () => {
        for (const [what, authorization] of Object.entries(HEADERS)) {
          if (version !== 'Express 5' && !ENOUGH.includes(what)) continue;
          const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
          const query = new URLSearchParams({ token: authorization?.replace(/^Bearer /, '') ?? '' });
          const [theirs, ours] = await twins.ask('GET', `/${index}?${query.toString()}`, headers);
          assert.deepEqual(ours, theirs, what);
        }
      });
    }
    await t.test('with CORS preflights', async () => {
      for (const names of PREFLIGHTS) {
        for (const method of ['OPTIONS', 'GET']) {
          const [theirs, ours] = await twins.ask(method, '/0', { 'access-control-request-headers': names });
          assert.deepEqual(ours, theirs, `${method} ${names}`);
        }
      }
    });
  });
}

describe('expressjwt, called without Express', () => {
  /** What the middleware of each package gives to `next`, and whether it does so at once. */
  async function outcomes(req: unknown, options: Params = { secret: SECRET, algorithms: ['HS256'] }): Promise<unknown[]> {
    return Promise.all(
      PACKAGES.map(async ([, { expressjwt, UnauthorizedError }]) => {
        const own = structuredClone(req);
        let isSync = true;
        const given = await new Promise<unknown[]>((resolve) => {
          const middleware = expressjwt(options);
          void middleware(own as never, {} as never, ((...args: unknown[]) => resolve([isSync, args.length, describeError(args[0], UnauthorizedError)])) as never);
          isSync = false;
        });
        return [given, own];
      }),
    );
  }

  it('takes requests that other servers make', async () => {
    for (const req of [
      { method: 'GET', headers: { Authorization: `Bearer ${token()}` } },
      { method: 'GET', headers: { authorization: `Bearer ${token()}` } },
      { method: 'GET', headers: { Authorization: 'Basic x', authorization: `Bearer ${token()}` } },
      { method: 'GET', headers: { Authorization: undefined, authorization: `Bearer ${token()}` } },
      { method: 'GET', headers: {} },
      { method: 'GET' },
      {},
    ]) {
      const [theirs, ours] = await outcomes(req);
      assert.deepEqual(ours, theirs, JSON.stringify(req));
    }
  });

  it('calls next at once where nothing is checked, and later otherwise', async () => {
    for (const headers of [{}, { authorization: 'Basic x' }, { authorization: `Bearer ${token()}` }, { authorization: 'Bearer' }]) {
      const [theirs, ours] = await outcomes({ headers }, { secret: SECRET, algorithms: ['HS256'], credentialsRequired: false });
      assert.deepEqual(ours, theirs, JSON.stringify(headers));
    }
  });

  it('hands on what next returns where nothing is checked, so that who awaits it hears of a failure', async () => {
    const next = async (): Promise<never> => Promise.reject(new Error('down'));
    for (const [, { expressjwt }] of PACKAGES) {
      const middleware = expressjwt({ secret: SECRET, algorithms: ['HS256'], credentialsRequired: false });
      for (const headers of [{}, { authorization: 'Basic x' }]) {
        await assert.rejects(async () => middleware({ headers, method: 'GET', url: '/' } as never, {} as never, next), { message: 'down' });
        const guarded = middleware.unless({ path: ['/'] });
        await assert.rejects(async () => guarded({ headers, method: 'GET', url: '/' } as never, {} as never, next), { message: 'down' });
      }
    }
  });

  it('refuses the same options with the same errors', () => {
    for (const options of [
      undefined, null, {}, { secret: '' }, { secret: SECRET }, { algorithms: ['HS256'] }, { secret: SECRET, algorithms: 'HS256' }, { secret: SECRET, algorithms: null },
    ]) {
      const [theirs, ours] = PACKAGES.map(([, { expressjwt, UnauthorizedError }]) => {
        try {
          return expressjwt(options as unknown as Params);
        } catch (error) {
          return describeError(error, UnauthorizedError);
        }
      });
      assert.deepEqual(ours, theirs, JSON.stringify(options));
    }
  });

  it('has the same names, and handlers of the same form', () => {
    const [theirs, ours] = PACKAGES.map(([, jwtPackage]) => {
      const middleware = jwtPackage.expressjwt({ secret: SECRET, algorithms: ['HS256'] });
      const left = middleware.unless({ path: '/' });
      return [Object.keys(jwtPackage).sort(), [middleware, left].map((handler) => [handler.length, Object.keys(handler)])];
    });
    assert.deepEqual(ours, theirs);
  });

  it('makes errors that look the same', () => {
    for (const inner of [new Error('inner'), { message: 'inner' }, new TypeError(''), { message: undefined as unknown as string }]) {
      const [theirs, ours] = PACKAGES.map(([, { UnauthorizedError }]) => describeError(new UnauthorizedError('invalid_token', inner), UnauthorizedError));
      assert.deepEqual(ours, theirs);
    }
  });
});
