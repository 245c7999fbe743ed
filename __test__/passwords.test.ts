import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { KeyturnError } from '../dist/errors.js';
import { hashPassword, verifyPassword } from '../dist/passwords.js';

const CODE = { name: 'KeyturnError', code: 'ERR_PASSWORD_INVALID' };

describe('hashPassword', () => {
  it('makes an argon2id hash in PHC form, with another salt each time', async () => {
    const [one, other] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')]);
    for (const hash of [one, other]) assert.match(hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    assert.notEqual(one, other);
  });

  it('takes 1 to 1024 bytes of UTF-8', async () => {
    for (const password of ['x', 'x'.repeat(1024), '\u0141'.repeat(512), '\0', ' ']) {
      assert.equal(await verifyPassword(await hashPassword(password), password), true);
    }
    for (const password of ['', 'x'.repeat(1025), '\u0141'.repeat(513), 'x'.repeat(10_000_000)]) await assert.rejects(hashPassword(password), CODE);
  });

  it('refuses what is no string, and half a character, of which all would be one', async () => {
    const values: readonly unknown[] = [undefined, null, 7, NaN, true, [], ['a'], {}, Buffer.from('a'), new String('a'), Symbol('a'), { toString: () => 'a' }, '\ud800', 'a\udfff'];
    for (const password of values) await assert.rejects(hashPassword(password as string), CODE);
  });

  it('leaves the event loop free', async () => {
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    await Promise.all(Array.from({ length: 8 }, () => hashPassword('correct horse')));
    clearInterval(timer);
    assert.ok(turns >= 8, `the event loop turned ${turns} times only`);
  });
});

describe('verifyPassword', () => {
  it('knows the right password from every other', async () => {
    const hash = await hashPassword('correct horse');
    assert.equal(await verifyPassword(hash, 'correct horse'), true);
    for (const password of ['', 'correct hors', 'correct horse ', 'Correct horse', 'correct horse\0', 'x'.repeat(1025), 'x'.repeat(10_000_000)]) {
      assert.equal(await verifyPassword(hash, password), false);
    }
  });

  it('does not take half a character for the character that stands for bad ones', async () => {
    const hash = await hashPassword('\ufffd');
    assert.equal(await verifyPassword(hash, '\ufffd'), true);
    for (const password of ['\ud800', '\udfff']) assert.equal(await verifyPassword(hash, password), false);
  });

  it('says no for a user that does not exist, and takes as long over it', async () => {
    const hash = await hashPassword('correct horse');
    const quickest = async (stored: string | null): Promise<number> => {
      const times: number[] = [];
      for (let run = 0; run < 7; run += 1) {
        const started = performance.now();
        assert.equal(await verifyPassword(stored, 'wrong horse'), false);
        times.push(performance.now() - started);
      }
      return Math.min(...times);
    };
    const [real, nobody] = [await quickest(hash), await quickest(null)];
    assert.ok(nobody > real / 2 && nobody < real * 2, `${nobody.toFixed(1)} ms for nobody, ${real.toFixed(1)} ms for somebody`);
    assert.equal(await verifyPassword(null, ''), false);
  });

  it('reads hashes of other programs and other costs', async () => {
    // The example of the reference implementation's README: argon2i, 64 MiB, four lanes.
    const foreign = '$argon2i$v=19$m=65536,t=2,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG';
    assert.equal(await verifyPassword(foreign, 'password'), true);
    assert.equal(await verifyPassword(foreign, 'Password'), false);
  });

  const stored: readonly string[] = [
    '', 'plain text', 'correct horse', '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy', '$argon2id$', '$argon2id$v=19$m=19456,t=2,p=1$$',
    '$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQxMjM0NTY$WVRoaXMgaXMgbm8gcGFzc3dvcmQ',
    '$argon2id$v=19$m=19456,t=99999,p=1$c29tZXNhbHQxMjM0NTY$WVRoaXMgaXMgbm8gcGFzc3dvcmQ', '$scrypt$ln=17,r=8,p=1$c29tZXNhbHQ$WVRoaXMgaXMgbm8gcGFzc3dvcmQ',
    '$argon2id$'.repeat(1_000_000), '\0', '\ud800',
  ];
  for (const hash of stored) {
    it(`refuses the stored hash ${JSON.stringify(hash.slice(0, 40))}, at once`, async () => {
      await assert.rejects(verifyPassword(hash, 'password'), CODE);
    });
  }

  it('takes no password for a stored hash that was cut short', async () => {
    const hash = await hashPassword('correct horse');
    for (const cut of [hash.slice(0, -1), hash.slice(0, -2), hash.slice(0, -20), hash.slice(0, hash.lastIndexOf('$') + 1), hash.slice(0, hash.lastIndexOf('$'))]) {
      const answer = await verifyPassword(cut, 'correct horse').catch((error: unknown) => error);
      assert.ok(answer === false || (answer instanceof KeyturnError && answer.code === 'ERR_PASSWORD_INVALID'), cut);
    }
  });

  it('refuses a hash or a password that is no string', async () => {
    const hash = await hashPassword('correct horse');
    for (const value of [7, NaN, true, [], {}, Buffer.from('a'), { toString: () => hash }]) {
      await assert.rejects(verifyPassword(value as unknown as string, 'correct horse'), CODE);
      await assert.rejects(verifyPassword(hash, value as unknown as string), CODE);
    }
    for (const value of [undefined, null]) await assert.rejects(verifyPassword(hash, value as unknown as string), CODE);
  });
});

describe('the pool of password hashes', () => {
  it('refuses at once what is too much, says so, and answers the rest', async () => {
    const results = await Promise.allSettled(Array.from({ length: 300 }, () => verifyPassword(null, 'x')));
    const refused = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason as unknown);
    assert.ok(refused.length >= 300 - 256 - 8 && refused.length <= 300 - 256, `${refused.length} were refused`);
    for (const error of refused) assert.ok(error instanceof KeyturnError && error.code === 'ERR_POOL_FULL');
    assert.equal(await verifyPassword(null, 'x'), false);
  });
});

describe('a failed hash or comparison', () => {
  it('says nothing of the password or the hash', async () => {
    const secret = 'hunter2-hunter2';
    const calls = [() => hashPassword(secret.repeat(100)), () => verifyPassword(secret, secret), () => verifyPassword([secret] as unknown as string, secret)];
    for (const call of calls) {
      await assert.rejects(call, (error: unknown) => error instanceof KeyturnError && !`${error.message}${error.stack ?? ''}${JSON.stringify(error)}`.includes(secret));
    }
  });
});
