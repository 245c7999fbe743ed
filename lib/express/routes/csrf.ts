import { sendJson, sendNothing } from '../../http/responses.js';
import type { AuthContext } from '../context.js';
import { readSession, requireOrigin } from '../cookie-checks.js';
import type { Route } from './route.js';

/** `GET /csrf`: the XSRF token of the session whose refresh cookie came along, in the body and as cookie; otherwise 204. */
export function csrfRoute(context: AuthContext): Route {
  return {
    judgedBy: 'other',
    async handle(req, res) {
      requireOrigin(context, req);
      const session = context.usesCookie ? await readSession(context, req) : 'none';
      if (typeof session === 'string') {
        sendNothing(res);
        return;
      }
      const csrfToken = context.internals.csrfToken(session.sid);
      context.cookie.grantCsrf(res, csrfToken);
      sendJson(res, 200, { csrfToken });
    },
  };
}
