import type { AuthEventType } from '../events.js';
import { answerError } from './answer.js';
import type { AuthContext } from './context.js';
import { requireMethod } from './method.js';
import { refuseArguments } from './misuse.js';
import type { TerminalHandler } from './request.js';

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Makes the handler that answers a Prometheus scrape. Put it where only the scraper gets: it tells how busy logins are. */
export function createMetrics(context: AuthContext, ...args: readonly unknown[]): TerminalHandler {
  refuseArguments('metrics', args);
  return function metrics(req, res) {
    try {
      requireMethod(req, res, ['GET', 'HEAD']);
      const text = formatMetrics(context.internals.events.counts(), context.internals.gauges());
      res.statusCode = 200;
      res.setHeader('Cache-Control', 'no-store');
      res.setHeader('Content-Type', CONTENT_TYPE);
      res.setHeader('Content-Length', Buffer.byteLength(text));
      res.end(text);
    } catch (error) {
      answerError(context, req, res, error);
    }
  };
}

/** Prometheus' text format 0.0.4: `keyturn_events_total` by type, then every other figure under its own name. */
export function formatMetrics(events: ReadonlyMap<AuthEventType, number>, gauges: ReadonlyMap<string, number>): string {
  const lines = [
    '# HELP keyturn_events_total Events since the process started, by type.',
    '# TYPE keyturn_events_total counter',
  ];
  for (const [type, count] of events) lines.push(`keyturn_events_total{type="${type}"} ${String(count)}`);
  for (const [name, value] of gauges) {
    const type = name.endsWith('_total') ? 'counter' : 'gauge';
    lines.push(`# TYPE ${name} ${type}`, `${name} ${String(value)}`);
  }
  return `${lines.join('\n')}\n`;
}
