import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';

import { KeyturnError } from '../../dist/errors.js';
import { type JudgedBy, sendError, sendJson, sendNothing } from '../../dist/http/responses.js';
import { serve } from '../support/server.js';

async function answerTo(t: TestContext, error: unknown, judgedBy?: JudgedBy): Promise<Response> {
  const server = await serve(t, (_req, res) => {
    sendError(res, error, judgedBy);
  });
  return server.get('/');
}

describe('sendError', () => {
  it('answers with code, message and reason in JSON that no cache keeps', async (t) => {
    const response = await answerTo(t, new KeyturnError('ERR_SESSION_EXPIRED', 'the session expired', { reason: 'idle' }));
    assert.equal(response.status, 401);
    assert.equal(response.headers.get('content-type'), 'application/json; charset=utf-8');
    assert.equal(response.headers.get('cache-control'), 'no-store');
    assert.deepEqual(await response.json(), { error: { code: 'ERR_SESSION_EXPIRED', message: 'the session expired', reason: 'idle' } });
  });

  it('leaves the reason out when there is none', async (t) => {
    const response = await answerTo(t, new KeyturnError('ERR_LOGIN_FAILED', 'the login failed'));
    assert.deepEqual(await response.json(), { error: { code: 'ERR_LOGIN_FAILED', message: 'the login failed' } });
  });

  const challenges: readonly (readonly [code: KeyturnError['code'], judgedBy: JudgedBy, expected: string | null])[] = [
    ['ERR_TOKEN_MISSING', 'bearer', 'Bearer'],
    ['ERR_TOKEN_EXPIRED', 'bearer', 'Bearer error="invalid_token", error_description="m"'],
    ['ERR_SESSION_REVOKED', 'bearer', 'Bearer error="invalid_token", error_description="m"'],
    ['ERR_ACCESS_DENIED', 'bearer', 'Bearer error="insufficient_scope", error_description="m"'],
    ['ERR_LOGIN_FAILED', 'other', 'Bearer'],
    ['ERR_REFRESH_INVALID', 'other', 'Bearer'],
    ['ERR_CSRF', 'other', null],
    ['ERR_SESSION_UNKNOWN', 'bearer', null],
    ['ERR_NOT_READY', 'bearer', null],
  ];
  for (const [code, judgedBy, expected] of challenges) {
    it(`challenges ${code} with ${expected ?? 'nothing'}`, async (t) => {
      const response = await answerTo(t, new KeyturnError(code, 'm'), judgedBy);
      assert.equal(response.headers.get('www-authenticate'), expected);
    });
  }

  it('keeps what a message quotes from ending the quoted string or the header', async (t) => {
    const hostile = 'a"b\\c\r\nSet-Cookie: x=y\0\u00e9\u4e2d\x7f';
    const response = await answerTo(t, new KeyturnError('ERR_CLAIM_INVALID', hostile), 'bearer');
    assert.equal(response.headers.get('www-authenticate'), `Bearer error="invalid_token", error_description="a'b'c??Set-Cookie: x=y????"`);
    assert.equal(response.headers.get('set-cookie'), null);
  });

  it('keeps a long message out of the header', async (t) => {
    const response = await answerTo(t, new KeyturnError('ERR_CLAIM_INVALID', 'x'.repeat(100_000)), 'bearer');
    assert.ok((response.headers.get('www-authenticate') ?? '').length < 300);
  });

  it('rounds Retry-After up to whole seconds, at least one', async (t) => {
    const soon = await answerTo(t, new KeyturnError('ERR_RATE_LIMITED', 'm', { retryAfter: 0.01 }));
    assert.equal(soon.headers.get('retry-after'), '1');
    const later = await answerTo(t, new KeyturnError('ERR_RATE_LIMITED', 'm', { retryAfter: 11.2 }));
    assert.equal(later.headers.get('retry-after'), '12');
  });

  it('always says when to retry a 503', async (t) => {
    const response = await answerTo(t, new KeyturnError('ERR_STORE_UNAVAILABLE', 'm'));
    assert.equal(response.status, 503);
    assert.equal(response.headers.get('retry-after'), '5');
  });

  it('says nothing of an unforeseen error', async (t) => {
    const response = await answerTo(t, new Error('password=hunter2'));
    assert.equal(response.status, 500);
    assert.deepEqual(await response.json(), { error: { code: 'ERR_INTERNAL', message: 'internal error' } });
  });

  it('sends no body to HEAD', async (t) => {
    const server = await serve(t, (_req, res) => {
      sendError(res, new KeyturnError('ERR_TOKEN_MISSING', 'm'), 'bearer');
    });
    const response = await fetch(server.url, { method: 'HEAD' });
    assert.equal(response.status, 401);
    assert.equal(await response.text(), '');
  });

  it('does nothing when an answer is already on its way', async (t) => {
    const server = await serve(t, (_req, res) => {
      res.end('first');
      sendError(res, new Error('late'));
      sendJson(res, 200, {});
      sendNothing(res);
    });
    assert.equal(await (await server.get('/')).text(), 'first');
  });
});

describe('sendJson and sendNothing', () => {
  it('count bytes, not characters', async (t) => {
    const server = await serve(t, (_req, res) => {
      sendJson(res, 201, { name: '\u00e9\u4e2d' });
    });
    const response = await server.get('/');
    assert.equal(response.status, 201);
    assert.deepEqual(await response.json(), { name: '\u00e9\u4e2d' });
  });

  it('answer 204 without a body', async (t) => {
    const server = await serve(t, (_req, res) => {
      sendNothing(res);
    });
    const response = await server.get('/');
    assert.equal(response.status, 204);
    assert.equal(response.headers.get('cache-control'), 'no-store');
  });
});
