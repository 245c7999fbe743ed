import assert from 'node:assert/strict';
import { test } from 'node:test';

import { type Demo, startDemo } from '../support/demo.js';
import { codeOf } from '../support/server.js';

const MAX_STREAMS = 64;

interface ShownEvent {
  readonly type: string;
  readonly time: number;
  readonly subject?: string;
  readonly session?: string;
}

test('events arrive live, without secrets, addresses or whole ids', async (t) => {
  const demo = await startDemo(t);
  const stream = await EventStream.open(demo);
  const alice = await demo.logIn();
  await demo.server.post('/auth/refresh', undefined, alice.headers);
  await demo.server.post('/auth/login', { username: 'alice', password: 'wrong' });

  const { type, subject, session } = await stream.next();
  assert.deepEqual({ type, subject, session }, { type: 'login_ok', subject: 'alice', session: alice.sid.slice(-6) });
  assert.equal((await stream.next()).type, 'refresh_rotated');
  assert.equal((await stream.next()).type, 'login_failed');
  for (const secret of [alice.sid, alice.accessToken, alice.refreshToken, alice.csrfToken, demo.passwordOf('alice'), '127.0.0']) {
    assert.ok(!stream.text.includes(secret));
  }
  await stream.close();
});

test('a page that comes back is sent what it has missed, and no more', async (t) => {
  const demo = await startDemo(t);
  await demo.logIn('alice');
  await demo.logIn('bob');
  const all = await EventStream.open(demo);
  assert.deepEqual([(await all.next()).subject, (await all.next()).subject], ['alice', 'bob']);
  const [firstId = ''] = all.ids;
  const rest = await EventStream.open(demo, { 'last-event-id': firstId });
  assert.equal((await rest.next()).subject, 'bob');
  assert.equal(rest.ids.length, 1);
  await Promise.all([all.close(), rest.close()]);
});

test('there is a bound on streams, and a place is free again when one ends', async (t) => {
  const demo = await startDemo(t);
  const streams = await Promise.all(Array.from({ length: MAX_STREAMS }, () => EventStream.open(demo)));
  const refused = await demo.server.get('/events');
  assert.deepEqual([refused.status, await codeOf(refused)], [503, 'ERR_POOL_FULL']);

  await Promise.all(streams.map((stream) => stream.close()));
  let status = 503;
  // The server learns of the closed connections in its own time.
  for (const end = Date.now() + 5_000; status === 503 && Date.now() < end; ) {
    const response = await demo.server.get('/events');
    ({ status } = response);
    await response.body?.cancel();
  }
  assert.equal(status, 200);
});

test('a page of another site may not watch', async (t) => {
  const { server } = await startDemo(t);
  const response = await server.get('/events', { 'sec-fetch-site': 'cross-site' });
  assert.deepEqual([response.status, await codeOf(response)], [403, 'ERR_CSRF']);
});

/** Reads server-sent events one by one. */
class EventStream {
  text = '';
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #read = 0;

  constructor(reader: ReadableStreamDefaultReader<Uint8Array>) {
    this.#reader = reader;
  }

  static async open({ server }: Demo, headers: Readonly<Record<string, string>> = {}): Promise<EventStream> {
    const response = await server.get('/events', headers);
    assert.deepEqual([response.status, response.headers.get('content-type')], [200, 'text/event-stream; charset=utf-8']);
    assert.ok(response.body);
    return new EventStream(response.body.getReader());
  }

  get ids(): readonly string[] {
    return [...this.text.matchAll(/^id: (.+)$/gm)].map(([, id = '']) => id);
  }

  async next(): Promise<ShownEvent> {
    for (;;) {
      const found = [...this.text.matchAll(/^data: (.+)\n\n/gm)][this.#read]?.[1];
      if (found !== undefined) {
        this.#read += 1;
        return JSON.parse(found) as ShownEvent;
      }
      const { done, value } = await this.#reader.read();
      if (done) throw new Error('the stream ended');
      this.text += this.#decoder.decode(value, { stream: true });
    }
  }

  async close(): Promise<void> {
    await this.#reader.cancel();
  }
}
