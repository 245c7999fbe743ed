import assert from 'node:assert/strict';
import { createPublicKey, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';

import { decryptJwe, encryptJwe } from 'keyturn';

import { ENCRYPTION_KEYS } from '../support/encryption-keys.js';

/** jose is published as ES modules alone. */
const jose = import('jose');

describe('JWE with jose', () => {
  for (const { name, key, publicKey, raw, alg, encryptions } of ENCRYPTION_KEYS) {
    for (const enc of encryptions) {
      it(`${name} with ${enc}: jose decrypts what we encrypt`, async () => {
        const { compactDecrypt } = await jose;
        for (const length of [0, 1, 16, 1000]) {
          const plaintext = randomBytes(length);
          const header = { typ: 'test', ...(alg.startsWith('ECDH') ? { apu: 'QWxpY2U', apv: 'Qm9i' } : {}) };
          const opened = await compactDecrypt(encryptJwe(plaintext, publicKey, { enc, header }), raw);
          assert.deepEqual(Buffer.from(opened.plaintext), plaintext);
          assert.deepEqual([opened.protectedHeader.alg, opened.protectedHeader.enc, opened.protectedHeader.typ], [alg, enc, 'test']);
        }
      });

      it(`${name} with ${enc}: we decrypt what jose encrypts`, async () => {
        const { CompactEncrypt } = await jose;
        for (const length of [0, 1, 16, 1000]) {
          const plaintext = randomBytes(length);
          const sealing = new CompactEncrypt(plaintext).setProtectedHeader({ alg, enc, typ: 'test' });
          if (alg.startsWith('ECDH')) sealing.setKeyManagementParameters({ apu: Buffer.from('Alice'), apv: Buffer.from('Bob') });
          const opened = decryptJwe(await sealing.encrypt(raw.type === 'secret' ? raw : createPublicKey(raw)), key);
          assert.deepEqual(opened.plaintext, plaintext);
          assert.equal(opened.header['typ'], 'test');
        }
      });
    }
  }
});
