import { sendJson } from '../http/responses.js';
import { answerError } from './answer.js';
import type { AuthContext } from './context.js';
import { requireMethod } from './method.js';
import { refuseArguments } from './misuse.js';
import type { TerminalHandler } from './request.js';

/**
 * Makes the handler that publishes the signing keys as a JWK Set (RFC 7517, section 5), for `/.well-known/jwks.json`. Caches may
 * keep it for five minutes.
 */
export function createJwks(context: AuthContext, ...args: readonly unknown[]): TerminalHandler {
  refuseArguments('jwks', args);
  return function jwks(req, res) {
    const answer = async (): Promise<void> => {
      requireMethod(req, res, ['GET', 'HEAD']);
      await context.readiness.wait();
      sendJson(res, 200, context.internals.jwks(), 'public, max-age=300');
    };
    answer().catch((error: unknown) => {
      answerError(context, req, res, error);
    });
  };
}
