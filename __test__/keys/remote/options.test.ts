import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { createRemoteKeySet, createSessions, createSigner, KeyturnError } from 'keyturn';

const URL_ = 'https://id.example.com/jwks.json';

describe('the options of createRemoteKeySet', () => {
  for (const url of [URL_, new URL(URL_), 'http://localhost:3000/', 'http://127.0.0.1/', 'http://127.8.0.1/', 'http://[::1]:8080/keys', 'http://app.localhost/']) {
    it(`take ${String(url)}`, () => {
      createRemoteKeySet(url);
    });
  }

  for (const url of [
    'http://id.example.com/jwks.json', 'http://localhost.example.com/', 'http://127.0.0.1.example.com/', 'http://10.0.0.1/', 'http://[::2]/',
    'file:///etc/passwd', 'data:application/json,{}', 'ftp://id.example.com/', 'https://user:password@id.example.com/', '/jwks.json', '', undefined, 7,
  ]) {
    it(`refuse ${String(url)}`, () => {
      assert.throws(() => createRemoteKeySet(url as string), { code: 'ERR_OPTION_INVALID', claim: 'url' });
    });
  }

  it('hold an address to the allowed hosts', () => {
    const made = (url: string, host: string) => () => createRemoteKeySet(url, { allowedHosts: [host] });
    for (const host of ['id.example.com', 'ID.example.com', 'id.example.com:443']) made(URL_, host)();
    made('http://localhost:8080/', 'localhost:8080')();
    for (const host of ['example.com', 'id.example.com:8443', 'id.example.com.evil.test', '*.example.com']) {
      assert.throws(made(URL_, host), { code: 'ERR_OPTION_INVALID' }, host);
    }
    assert.throws(made('http://localhost:8080/', 'localhost'), { code: 'ERR_OPTION_INVALID' });
    assert.throws(made(URL_, ':'), { code: 'ERR_OPTION_INVALID', claim: 'allowedHosts' });
  });

  const refused: readonly (readonly [options: Readonly<Record<string, unknown>>, code?: string])[] = [
    [{ ttl: 1 }, 'ERR_OPTION_UNKNOWN'],
    [{ algorithms: ['HS256'] }],
    [{ algorithms: [] }],
    [{ timeout: '99ms' }],
    [{ timeout: '61s' }],
    [{ cooldown: 0 }],
    [{ cooldown: NaN }],
    [{ maxAge: '25h' }],
    [{ maxAge: 0 }],
    [{ maxAge: '1m', refreshAhead: '31s' }],
    [{ staleIfError: '25h' }],
    [{ maxBytes: 0 }],
    [{ maxBytes: Infinity }],
    [{ maxKeys: 33 }],
    [{ allowedHosts: [] }],
    [{ headers: 'authorization: x' }],
    [{ headers: { 'a\r\nb': 'x' } }],
    [{ headers: { a: 'x\r\ny: z' } }],
    [{ fetch: 'fetch' }],
  ];
  for (const [options, code = 'ERR_OPTION_INVALID'] of refused) {
    it(`refuse ${JSON.stringify(options)}`, () => {
      assert.throws(() => createRemoteKeySet(URL_, options), (error) => error instanceof KeyturnError && error.code === code);
    });
  }

  it('give no key to sign with', () => {
    const remote = createRemoteKeySet(URL_);
    assert.throws(() => createSigner({ key: remote as never }), { code: 'ERR_OPTION_INVALID' });
    const sessions = { store: 'memory:', issuer: 'https://app.example', audience: 'app' };
    assert.throws(() => createSessions({ ...sessions, keys: remote as never }), { code: 'ERR_OPTION_INVALID' });
  });
});
