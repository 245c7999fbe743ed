import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';

import * as keyturn from 'keyturn';
import * as express from 'keyturn/express';

import * as native from '../dist/native.js';

const NAMES = [
  'ERROR_CODES', 'KeyturnError', 'createAccounts', 'createAuth', 'createKeyRing', 'createRemoteKeySet', 'createSessions', 'createSigner',
  'createVerifier', 'dangerouslyDecode', 'decryptJwe', 'encryptJwe', 'generateKey', 'hashPassword', 'importKey', 'importKeySet', 'signJws',
  'verifyJws', 'verifyPassword',
];

/** What `require` of a package finds from here. */
const required = (name: string): Readonly<Record<string, unknown>> => createRequire(__filename)(name) as Readonly<Record<string, unknown>>;

describe('the package', () => {
  it('exports these names and no other', () => {
    assert.deepEqual(Object.keys(required('keyturn')).sort(), NAMES);
  });

  it('is one package for require and for import', async () => {
    const imported = (await import('keyturn')) as Readonly<Record<string, unknown>>;
    for (const name of NAMES) assert.equal(imported[name], required('keyturn')[name], name);
    const others = Object.keys(imported).filter((name) => !NAMES.includes(name));
    assert.deepEqual(others.filter((name) => name !== 'default' && name !== 'module.exports' && name !== '__esModule'), []);
  });

  it('has an entry for the Express pieces, made of the same classes', () => {
    assert.deepEqual(Object.keys(required('keyturn/express')).sort(), ['KeyturnError', 'createAuth']);
    assert.equal(express.createAuth, keyturn.createAuth);
    assert.equal(express.KeyturnError, keyturn.KeyturnError);
  });

  it('has an entry in the place of express-jwt', () => {
    assert.deepEqual(Object.keys(required('keyturn/express-jwt')).sort(), ['UnauthorizedError', 'expressjwt']);
  });

  it('has no other entry', () => {
    for (const path of ['keyturn/dist/index.js', 'keyturn/dist/native.js', 'keyturn/native/index.js', 'keyturn/lib/index.ts', 'keyturn/index.js']) {
      assert.throws(() => required(path), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' });
    }
    assert.equal(required('keyturn/package.json')['name'], 'keyturn');
  });

  it('keeps the addon to itself', () => {
    assert.equal('native' in native, true);
    assert.deepEqual(Object.keys(keyturn).filter((name) => /native/i.test(name)), []);
  });

  it('throws errors of the class that it exports', () => {
    assert.throws(() => keyturn.dangerouslyDecode(''), keyturn.KeyturnError);
    assert.throws(() => keyturn.generateKey('none' as 'HS256'), keyturn.KeyturnError);
    assert.throws(() => keyturn.importKey('', { alg: 'EdDSA' }), keyturn.KeyturnError);
  });
});
