import { KeyturnError } from '../../errors.js';
import { sendJson, sendNothing } from '../../http/responses.js';
import type { AuthContext } from '../context.js';
import type { RequestVerifier } from '../request-verifier.js';
import type { Route } from './route.js';

const SID = /^[A-Za-z0-9_-]{22}$/;

/** `GET /sessions`: the caller's live sessions. By Bearer token, which no other site can make a browser send. */
export function listSessionsRoute(context: AuthContext, verifier: RequestVerifier): Route {
  return {
    judgedBy: 'bearer',
    async handle(req, res) {
      await context.readiness.wait();
      const { sub, sid } = await verifier.findClaimsOf(req);
      const sessions = await context.sessions.list(sub);
      sendJson(res, 200, {
        sessions: sessions.map(({ id, device, startedAt, lastActivityAt, idleEndsAt, absoluteEndsAt }) => {
          return { id, current: id === sid, device: device ?? null, startedAt, lastActivityAt, idleEndsAt, absoluteEndsAt };
        }),
      });
    },
  };
}

/** `DELETE /sessions/:id`: ends one of the caller's sessions. Another's and an unknown one are the same 404. */
export function endSessionRoute(context: AuthContext, verifier: RequestVerifier): Route {
  return {
    judgedBy: 'bearer',
    async handle(req, res, id) {
      await context.readiness.wait();
      const { sub, sid } = await verifier.findClaimsOf(req);
      if (!SID.test(id)) throw new KeyturnError('ERR_SESSION_UNKNOWN', 'there is no such session');
      // The caller's own needs no proof of whose it is, which a strategy that remembers nothing could not give.
      await context.sessions.end(id, id === sid ? {} : { subject: sub });
      sendNothing(res);
    },
  };
}
