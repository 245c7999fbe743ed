import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPublicKey, createSecretKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { createRequire } from 'node:module';
import { describe, it, mock } from 'node:test';

import npm from 'jsonwebtoken';
import * as ours from 'keyturn/jsonwebtoken';

import { projectText } from '../support/documents.js';
import { CERTIFICATE_FIXTURE } from '../support/test-keys.js';
import { PACKAGES } from './both.js';

const NAMES = ['decode', 'verify', 'sign', 'JsonWebTokenError', 'NotBeforeError', 'TokenExpiredError'] as const;

describe('keyturn/jsonwebtoken', () => {
  it('is an object with the members of npm jsonwebtoken, in their order', () => {
    const required = createRequire(__filename)('keyturn/jsonwebtoken') as object;
    assert.deepEqual(Object.keys(required), Object.keys(npm));
    assert.deepEqual(Object.keys(required), NAMES);
  });

  it('can be imported as a whole and by name', () => {
    const program = `
      import jwt, { ${NAMES.join(', ')} } from 'keyturn/jsonwebtoken';
      import * as all from 'keyturn/jsonwebtoken';
      const names = { ${NAMES.join(', ')} };
      for (const [name, value] of Object.entries(names)) {
        if (typeof value !== 'function' || jwt[name] !== value || all[name] !== value) throw new Error(name);
      }
      console.log(jwt.verify(sign({ a: 1 }, 'secret'), 'secret').a);`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' });
    assert.equal(stdout, '1\n', stderr);
  });

  it('lets tests replace its functions', (context) => {
    const required = createRequire(__filename)('keyturn/jsonwebtoken') as typeof ours;
    context.mock.method(required, 'verify', () => 'replaced');
    assert.equal(required.verify('', ''), 'replaced');
    context.mock.restoreAll();
    assert.throws(() => required.verify('', ''), { message: 'jwt must be provided' });
  });

  it('follows a clock that tests move', (context) => {
    context.mock.timers.enable({ apis: ['Date'], now: 1_000_000_000_000 });
    const token = ours.sign({}, 'secret', { expiresIn: 60 });
    assert.deepEqual(ours.verify(token, 'secret'), { iat: 1_000_000_000, exp: 1_000_000_060 });
    context.mock.timers.tick(60_000);
    for (const time of [1, 2]) {
      assert.throws(() => ours.verify(token, 'secret'), { name: 'TokenExpiredError', expiredAt: new Date(1_000_000_060_000) }, String(time));
    }
    mock.timers.reset();
  });

  it('is in docs/replacing-jsonwebtoken.md with both exceptions', () => {
    const text = projectText('docs/replacing-jsonwebtoken.md');
    for (const word of [...NAMES, 'public key', 'empty']) assert.ok(text.includes(word), word);
  });
});

/** One public key in every form in which libraries have taken one for an HMAC secret, and no secret at all. */
function forms(): readonly (readonly [form: string, material: string | Buffer])[] {
  const { publicKey: key } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = key.export({ format: 'pem', type: 'spki' }).toString();
  const der = key.export({ format: 'der', type: 'spki' });
  const jwk = JSON.stringify(key.export({ format: 'jwk' }));
  return [
    ['SPKI PEM', pem],
    ['PKCS#1 PEM', key.export({ format: 'pem', type: 'pkcs1' }).toString()],
    ['a leading line end', `\n${pem}`],
    ['a leading byte order mark', `\ufeff${pem}`],
    ['a leading comment', `# key\n${pem}`],
    ['Windows line ends', pem.replaceAll('\n', '\r\n')],
    ['no last line end', pem.trimEnd()],
    ['PEM bytes', Buffer.from(pem)],
    ['a leading space', ` ${pem}`],
    ['a leading zero-width space', `\u200b${pem}`],
    ['a JWK', jwk],
    ['a JWKS', `{"keys":[${jwk}]}`],
    ['an array of JWKs', `[${jwk}]`],
    ['DER', der],
    ['DER in base64', der.toString('base64')],
    ['the base64 body', pem.split('\n').slice(1, -2).join('\n')],
    ['lower case', pem.toLowerCase()],
    ['an empty string', ''],
    ['no bytes', Buffer.alloc(0)],
    ['a certificate', CERTIFICATE_FIXTURE],
    ['a certificate behind text', `Subject: x\n${CERTIFICATE_FIXTURE}`],
    ['the DER of a certificate', new X509Certificate(CERTIFICATE_FIXTURE).raw],
  ];
}

describe('the two exceptions', () => {
  for (const [form, material] of forms()) {
    it(`${form} is no HMAC secret, with or without the algorithms option`, () => {
      for (const algorithm of ['HS256', 'HS384', 'HS512'] as const) {
        const token = forged(algorithm, material);
        for (const secret of [material, createSecretKey(Buffer.from(material)), new Uint8Array(Buffer.from(material)) as Buffer]) {
          for (const options of [undefined, { algorithms: [algorithm] }, { complete: true } as const]) {
            for (const time of [1, 2]) assert.throws(() => ours.verify(token, secret, options), { name: 'JsonWebTokenError' }, String(time));
          }
          assert.throws(() => ours.sign({}, secret, { algorithm }), Error);
        }
      }
    });
  }

  it('are refused with what to do about it', () => {
    const key = createPublicKey(CERTIFICATE_FIXTURE).export({ format: 'der', type: 'spki' });
    const empty = Buffer.alloc(0);
    assert.throws(() => ours.verify(forged('HS256', key), key), { name: 'JsonWebTokenError', message: /^secretOrPublicKey cannot be the secret for HS256: it is an asymmetric key.*32 random bytes/ });
    assert.throws(() => ours.verify(forged('HS256', empty), empty), { name: 'JsonWebTokenError', message: /it is empty.*32 random bytes/ });
    assert.throws(() => ours.sign({}, key), { name: 'JsonWebTokenError', message: /^secretOrPrivateKey cannot be the secret for HS256: / });
    assert.throws(() => ours.sign({}, empty), { name: 'JsonWebTokenError', message: /it is empty/ });
  });

  it('reach the callback as every other error does', () => {
    const errors: unknown[] = [];
    ours.verify(forged('HS256', Buffer.alloc(0)), Buffer.alloc(0), (error) => errors.push(error));
    ours.verify(forged('HS256', Buffer.alloc(0)), (_, callback) => callback(null, Buffer.alloc(0)), (error) => errors.push(error));
    ours.sign({}, Buffer.alloc(0), (error) => errors.push(error));
    assert.equal(errors.filter((error) => error instanceof ours.JsonWebTokenError).length, 3);
  });

  it('leave public keys where they belong, and every weak secret as it was', () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const token = ours.sign({ a: 1 }, privateKey, { algorithm: 'RS256', noTimestamp: true });
    for (const format of ['spki', 'pkcs1'] as const) assert.deepEqual(ours.verify(token, publicKey.export({ format: 'pem', type: format })), { a: 1 });
    for (const secret of ['x', 'secret', '0', ' ', '{"kid":"x"}', 'key', '\0']) assert.deepEqual(ours.verify(npm.sign({ a: 1 }, secret, { noTimestamp: true }), secret), { a: 1 });
    assert.equal(ours.verify(ours.sign('text', '', { algorithm: 'none' }), '', { algorithms: ['none'] }), 'text');
  });
});

/** A token over the material as an HMAC secret, which npm jsonwebtoken signs only as a KeyObject. */
function forged(algorithm: 'HS256' | 'HS384' | 'HS512', material: string | Buffer): string {
  return PACKAGES.npm.sign({ admin: true }, createSecretKey(Buffer.from(material)), { algorithm }) as string;
}
