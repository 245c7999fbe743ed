import type { IncomingMessage } from 'node:http';

import { KeyturnError } from '../errors.js';
import { activityOf } from '../http/activity.js';
import { readBearer } from '../http/bearer.js';
import { STATUS_OF } from '../http/status.js';
import type { AccessClaims } from '../sessions/types.js';
import { type AuthContext, emitFor } from './context.js';
import type { AuthenticatedRequest } from './request.js';

/**
 * Verifies the Bearer token of a request, once however many guards stand in its chain. The result is kept beside the request,
 * not in `req.auth`, which other middleware may write.
 */
export class RequestVerifier {
  readonly #context: AuthContext;
  readonly #verified = new WeakMap<IncomingMessage, Readonly<AccessClaims>>();
  readonly #learned = new WeakSet<IncomingMessage>();

  constructor(context: AuthContext) {
    this.#context = context;
  }

  /**
   * The caller's claims, also set as `req.auth`; `undefined` when no token was sent. Notes the caller's activity. Answers from
   * memory; the sessions must be ready.
   *
   * @throws KeyturnError whatever is wrong with the token.
   */
  claimsOf(req: IncomingMessage): Readonly<AccessClaims> | undefined {
    const known = this.#verified.get(req);
    if (known !== undefined) return known;
    const claims = this.#verify(req);
    if (claims === undefined) return undefined;
    const agoMs = activityOf(req, this.#context.activity);
    if (agoMs !== undefined) this.#context.internals.recordActivity(claims, agoMs);
    this.#verified.set(req, claims);
    (req as AuthenticatedRequest).auth = claims;
    return claims;
  }

  /** As {@link claimsOf}; no token is `ERR_TOKEN_MISSING`. */
  requireClaimsOf(req: IncomingMessage): Readonly<AccessClaims> {
    const claims = this.claimsOf(req);
    if (claims !== undefined) return claims;
    throw new KeyturnError('ERR_TOKEN_MISSING', 'send an access token: "Authorization: Bearer <token>"');
  }

  /** As {@link requireClaimsOf}, with a second look where that may help. */
  async findClaimsOf(req: IncomingMessage): Promise<Readonly<AccessClaims>> {
    try {
      return this.requireClaimsOf(req);
    } catch (error) {
      const learning = this.learn(req, error);
      if (learning === undefined) throw error;
      await learning;
      return this.requireClaimsOf(req);
    }
  }

  /**
   * For a token of a key that another process may have made just now: reads the keys once more, after which the token deserves a
   * second look. `undefined` if that cannot help.
   */
  learn(req: IncomingMessage, error: unknown): Promise<void> | undefined {
    if (!isUnknownKey(error) || this.#learned.has(req)) return undefined;
    this.#learned.add(req);
    return this.#context.internals.learnKeys();
  }

  #verify(req: IncomingMessage): Readonly<AccessClaims> | undefined {
    try {
      const token = readBearer(req);
      return token === undefined ? undefined : this.#context.internals.verify(token);
    } catch (error) {
      const isFinal = this.#learned.has(req) || !isUnknownKey(error);
      if (isFinal && error instanceof KeyturnError && STATUS_OF[error.code] === 401) {
        emitFor(this.#context, req, 'token_rejected', { reason: error.code });
      }
      throw error;
    }
  }
}

/** The next key may have another algorithm than those known here. */
function isUnknownKey(error: unknown): boolean {
  return error instanceof KeyturnError && (error.code === 'ERR_KEY_UNKNOWN' || error.code === 'ERR_ALGORITHM_NOT_ALLOWED');
}
