import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';

import { readJsonBody, type RequestWithBody } from '../../dist/http/body.js';
import { sendError, sendJson } from '../../dist/http/responses.js';
import { codeOf, serve, type TestServer } from '../support/server.js';

/** A server that answers with the body it has read. `before` stands for a parser of the application. */
function echo(t: TestContext, before: (req: RequestWithBody) => void = () => undefined): Promise<TestServer> {
  return serve(t, (req, res) => {
    before(req);
    readJsonBody(req).then(
      (body) => {
        sendJson(res, 200, body);
      },
      (error: unknown) => {
        sendError(res, error);
      },
    );
  });
}

function send(server: TestServer, body: string | Uint8Array, type = 'application/json'): Promise<Response> {
  return fetch(server.url, { method: 'POST', body, headers: type === '' ? {} : { 'content-type': type } });
}

describe('readJsonBody', () => {
  it('reads an object', async (t) => {
    const response = await send(await echo(t), '{"username":"al\u00efce","n":[1]}');
    assert.deepEqual(await response.json(), { username: 'al\u00efce', n: [1] });
  });

  for (const type of ['application/json; charset=utf-8', 'application/json;charset=UTF-8', 'Application/JSON', 'application/json ; charset="utf-8"']) {
    it(`takes the type ${type}`, async (t) => {
      assert.equal((await send(await echo(t), '{}', type)).status, 200);
    });
  }

  const types = [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
    'application/ld+json',
    'text/plain; application/json',
    'application/json, text/plain',
    'application/json; charset=utf-16',
    'application/json; charset=iso-8859-1',
  ];
  for (const type of types) {
    it(`answers 415 to the type ${type}`, async (t) => {
      const response = await send(await echo(t), '{}', type);
      assert.equal(response.status, 415);
      assert.equal(await codeOf(response), 'ERR_BODY_TYPE');
    });
  }

  it('answers 415 to a body without a type and to a compressed one', async (t) => {
    const server = await echo(t);
    assert.match(await server.raw(['POST / HTTP/1.1', 'Host: x', 'Content-Length: 2'], '{}'), /^HTTP\/1\.1 415 /);
    const zipped = ['POST / HTTP/1.1', 'Host: x', 'Content-Type: application/json', 'Content-Encoding: gzip', 'Content-Length: 2'];
    assert.match(await server.raw(zipped, '{}'), /^HTTP\/1\.1 415 /);
  });

  const invalid: readonly (readonly [what: string, body: string | Uint8Array])[] = [
    ['nothing', ''],
    ['half an object', '{"a":'],
    ['two objects', '{}{}'],
    ['an array', '[]'],
    ['a string', '"a"'],
    ['null', 'null'],
    ['a number', '7'],
    ['a form', 'username=a&password=b'],
    ['bytes that are not UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d)],
    ['NUL', '\0'],
    ['a very deep array', '['.repeat(16_000)],
    ['single quotes', "{'a':1}"],
  ];
  for (const [what, body] of invalid) {
    it(`answers 400 to ${what}`, async (t) => {
      const response = await send(await echo(t), body);
      assert.equal(response.status, 400);
      assert.equal(await codeOf(response), 'ERR_BODY_INVALID');
    });
  }

  it('survives a deep object, whatever it makes of it', async (t) => {
    const response = await send(await echo(t), `${'{"a":'.repeat(2_500)}1${'}'.repeat(2_500)}`);
    assert.ok([200, 400].includes(response.status));
  });

  it('does not quote the body in its error', async (t) => {
    const response = await send(await echo(t), '{"password":"hunter2"');
    assert.doesNotMatch(await response.text(), /hunter2/);
  });

  it('drops __proto__, which would set the prototype of a copy', async (t) => {
    const response = await send(await echo(t), '{"a":1,"__proto__":{"admin":true},"b":{"\\u005f_proto__":1}}');
    assert.equal(await response.text(), '{"a":1,"b":{}}');
  });

  it('takes 16 KB and not a byte more', async (t) => {
    const server = await echo(t);
    const wrap = (length: number): string => `{"a":"${'x'.repeat(length - 8)}"}`;
    assert.equal((await send(server, wrap(16_384))).status, 200);
    const response = await send(server, wrap(16_385));
    assert.equal(response.status, 413);
    assert.equal(await codeOf(response), 'ERR_BODY_TOO_LARGE');
  });

  it('answers 413 to two megabytes, with and without their length, and the connection lives on', async (t) => {
    const server = await echo(t);
    const head = ['POST / HTTP/1.1', 'Host: x', 'Content-Type: application/json'];
    const bytes = Buffer.alloc(2 * 1024 * 1024, 0x61);
    assert.match(await server.raw([...head, `Content-Length: ${String(bytes.length)}`], bytes), /^HTTP\/1\.1 413 [\s\S]*ERR_BODY_TOO_LARGE/);
    const chunk = Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n0\r\n\r\n')]);
    assert.match(await server.raw([...head, 'Transfer-Encoding: chunked'], chunk), /^HTTP\/1\.1 413 [\s\S]*ERR_BODY_TOO_LARGE/);
    assert.equal((await send(server, bytes)).status, 413);
    assert.equal((await send(server, '{}')).status, 200);
  });

  it('serves the next request on the connection of one that was too large', async (t) => {
    const server = await echo(t);
    const head = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
    const socket = connect(server.port, '127.0.0.1').setEncoding('latin1');
    let answers = '';
    socket.on('data', (text: string) => { answers += text; });
    socket.write(`${head}Content-Length: 2000000\r\n\r\n`);
    socket.write(Buffer.alloc(2_000_000, 0x61));
    socket.write(`${head}Connection: close\r\nContent-Length: 7\r\n\r\n{"a":1}`);
    await once(socket, 'close');
    assert.match(answers, /^HTTP\/1\.1 413 [\s\S]*HTTP\/1\.1 200 [\s\S]*\{"a":1\}$/);
  });

  it('cuts a body without end', async (t) => {
    const server = await echo(t);
    const req = request(server.url, { method: 'POST', headers: { 'content-type': 'application/json' } });
    let status: number | undefined;
    req.on('response', (res) => { status = res.statusCode; res.resume(); });
    const closed = new Promise<void>((resolve) => req.on('close', resolve));
    req.on('error', () => undefined);
    const more = (): void => {
      while (!req.destroyed && req.write(Buffer.alloc(64 * 1024)));
    };
    req.on('drain', more);
    more();
    await closed;
    assert.equal(status, 413);
  });

  it('rejects when the client goes away in mid-body', async (t) => {
    const outcome = new Promise<unknown>((resolve) => {
      void serve(t, (req) => {
        readJsonBody(req).then(resolve, resolve);
      }).then(({ port }) => {
        const socket = connect(port, '127.0.0.1');
        socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"a"', () => socket.destroy());
      });
    });
    assert.equal((await outcome as { code: string }).code, 'ERR_BODY_INVALID');
  });

  it('uses the body that a parser has left', async (t) => {
    const server = await echo(t, (req) => { req.body = { from: 'parser' }; });
    assert.deepEqual(await (await send(server, '{"from":"stream"}')).json(), { from: 'parser' });
  });

  it('reads the stream when a parser for other types has left an empty object', async (t) => {
    const server = await echo(t, (req) => { req.body = {}; });
    assert.deepEqual(await (await send(server, '{"from":"stream"}')).json(), { from: 'stream' });
  });

  it('checks the type of a body that was parsed before', async (t) => {
    const server = await echo(t, (req) => { req.body = { username: 'a' }; });
    assert.equal((await send(server, 'username=a', 'application/x-www-form-urlencoded')).status, 415);
  });

  for (const body of ['text', Buffer.from('{}'), [], null, 7]) {
    it(`answers 400 when a parser has left ${JSON.stringify(body)}`, async (t) => {
      const server = await echo(t, (req) => { req.body = body; });
      assert.equal((await send(server, '{}')).status, 400);
    });
  }
});
