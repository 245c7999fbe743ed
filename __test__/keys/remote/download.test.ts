import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';

import { createRemoteKeySet, generateKey, type RemoteKeySetOptions } from 'keyturn';

import { KeyServer } from '../../support/key-server.js';

const key = generateKey('EdDSA', { kid: 'a' });
const SET = JSON.stringify({ keys: [key.publicJwk()] });

/** Fails as it should, with a message that says why. */
async function refuses(url: string, options: Readonly<RemoteKeySetOptions>, why: RegExp): Promise<void> {
  await assert.rejects(createRemoteKeySet(url, options).ready(), { code: 'ERR_KEY_SET_UNAVAILABLE', message: why });
}

describe('a download of keys', () => {
  it('ends at its time, whether the head or the body is late', async (t) => {
    const server = await KeyServer.start(t);
    server.answer = () => undefined;
    await refuses(server.url, { timeout: '100ms' }, /within 100 ms/);
    server.answer = (_request, response) => {
      response.writeHead(200).write('{"keys":');
    };
    await refuses(server.url, { timeout: '100ms' }, /within 100 ms/);
  });

  it('ends at its size, announced or not', async (t) => {
    const server = await KeyServer.start(t);
    const closed = new Promise<void>((resolve) => {
      server.answer = (_request, response) => {
        response.on('close', () => {
          resolve();
        });
        // Without a length, and without an end.
        const more = (): void => {
          if (!response.destroyed) response.write(Buffer.alloc(16_384, 0x20), more);
        };
        more();
      };
    });
    await refuses(server.url, {}, /longer than maxBytes \(65536\)/);
    await closed;
    server.send({ body: ' '.repeat(300) });
    await refuses(server.url, { maxBytes: 256 }, /longer than maxBytes \(256\)/);
    server.send({ body: SET.padEnd(512) });
    await createRemoteKeySet(server.url, { maxBytes: 512 }).ready();
  });

  it('counts what a compressed answer unpacks to', async (t) => {
    const server = await KeyServer.start(t);
    server.send({ body: gzipSync(' '.repeat(1_000_000)), headers: { 'content-encoding': 'gzip' } });
    await refuses(server.url, {}, /longer than maxBytes/);
    assert.equal(server.requests[0]?.['accept-encoding'], 'identity');
  });

  for (const status of [301, 302, 303, 307, 308]) {
    it(`follows no redirect (${String(status)})`, async (t) => {
      const [server, other] = [await KeyServer.start(t), await KeyServer.start(t)];
      other.publish([key]);
      server.send({ status, headers: { location: other.url } });
      await refuses(server.url, {}, /redirects are not followed/);
      assert.equal(other.requests.length, 0);
    });
  }

  for (const status of [201, 204, 304, 401, 404, 500, 503]) {
    it(`takes no answer but 200 (${String(status)})`, async (t) => {
      const server = await KeyServer.start(t);
      server.send({ status, ...(status === 204 || status === 304 ? {} : { body: SET }) });
      await refuses(server.url, {}, status === 304 ? /redirects/ : new RegExp(`answered ${String(status)}`));
    });
  }

  it('says what became of a server that is not there, and no more of the address than it may', async () => {
    await refuses('http://127.0.0.1:1/keys?token=hidden', {}, /^The key set at http:\/\/127\.0\.0\.1:1\/keys could not be fetched: the request failed\.$/);
  });

  it('uses the fetch that it is given, and bounds that too', async (t) => {
    const server = await KeyServer.start(t);
    server.publish([key]);
    const seen: unknown[] = [];
    const own: typeof fetch = (input, init) => {
      seen.push(input instanceof URL ? input.href : input);
      return fetch(input, init);
    };
    await createRemoteKeySet(server.url, { fetch: own }).ready();
    assert.deepEqual(seen, [server.url]);
    await refuses(server.url, { fetch: () => new Promise(() => undefined), timeout: '100ms' }, /within 100 ms/);
    await refuses(server.url, { fetch: () => Promise.reject(new Error('no')) }, /the request failed/);
    const redirecting: typeof fetch = (input, init) => fetch(input, { ...init, redirect: 'follow' });
    const other = await KeyServer.start(t);
    other.send({ status: 302, headers: { location: server.url } });
    await refuses(other.url, { fetch: redirecting }, /redirects/);
  });
});
