import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { EVENT_TYPES } from '../../dist/events.js';
import { assembleAuth, parseHttpOptions } from '../../dist/express/assemble-auth.js';
import { formatMetrics } from '../../dist/express/metrics.js';
import { FakeSessions } from '../support/fake-sessions.js';
import { codeOf, serve } from '../support/server.js';

describe('metrics', () => {
  it('answers with every event type and the gauges, as Prometheus text', async (t) => {
    const sessions = new FakeSessions();
    const auth = assembleAuth(sessions, parseHttpOptions({}));
    sessions.events.emit({ type: 'login_ok', time: 0 });
    const server = await serve(t, auth.metrics());
    const response = await server.get('/');
    assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    const lines = (await response.text()).split('\n');
    for (const type of EVENT_TYPES) assert.ok(lines.includes(`keyturn_events_total{type="${type}"} ${type === 'login_ok' ? '1' : '0'}`), type);
    assert.ok(lines.includes('keyturn_sessions_live 0'));
  });

  it('answers before the sessions are ready', async (t) => {
    const sessions = new FakeSessions();
    sessions.readiness = new Promise(() => undefined);
    const server = await serve(t, assembleAuth(sessions, parseHttpOptions({})).metrics());
    assert.equal((await server.get('/')).status, 200);
  });

  it('answers 405 to other methods than GET and HEAD', async (t) => {
    const server = await serve(t, assembleAuth(new FakeSessions(), parseHttpOptions({})).metrics());
    const response = await server.post('/');
    assert.equal(response.status, 405);
    assert.equal(response.headers.get('allow'), 'GET, HEAD');
    assert.equal(await codeOf(response), 'ERR_METHOD_NOT_ALLOWED');
  });
});

describe('formatMetrics', () => {
  it('declares each metric once and ends with a line feed', () => {
    assert.equal(
      formatMetrics(new Map([['logout', 2]]), new Map([['keyturn_sessions_live', 3]])),
      [
        '# HELP keyturn_events_total Events since the process started, by type.',
        '# TYPE keyturn_events_total counter',
        'keyturn_events_total{type="logout"} 2',
        '# TYPE keyturn_sessions_live gauge',
        'keyturn_sessions_live 3',
        '',
      ].join('\n'),
    );
  });
});
