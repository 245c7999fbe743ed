import { objectOf } from './compact.js';
import { verificationKeys } from './key-cache.js';
import type { VerifySettings } from './verify-settings.js';

/** The last HMAC header under which a token verified: those of one issuer are alike, and need not be parsed each time. */
let known = { prefix: '', alg: '', isJwt: false };

/** Takes note of the header of a token whose HMAC is right. */
export function rememberHeader(token: string, header: { readonly alg: string; readonly typ?: unknown }): void {
  const prefix = token.slice(0, token.indexOf('.') + 1);
  if (prefix.length > MAX_PREFIX) return;
  // Through bytes, because a slice would keep the whole token alive.
  known = { prefix: Buffer.from(prefix, 'latin1').toString('latin1'), alg: header.alg, isJwt: header.typ === 'JWT' };
}

/**
 * The payload of a token under the header and a secret that were seen before, if its signature is right. `undefined` in every
 * other case: then each thing is looked at in its turn, and the first fault found.
 */
export function openKnown(token: unknown, material: unknown, { algorithms, complete }: VerifySettings): unknown {
  const { prefix, alg, isJwt } = known;
  if (complete === true || prefix === '' || typeof token !== 'string' || !token.startsWith(prefix)) return undefined;
  if (algorithms && !(Array.isArray(algorithms) && algorithms.includes(alg))) return undefined;
  const handle = verificationKeys.known(material);
  if (handle === undefined || handle.object.type !== 'secret' || handle.refusal !== null) return undefined;
  const text = handle.hmac(alg).open(token);
  if (typeof text !== 'string') return undefined;
  try {
    return isJwt ? objectOf(JSON.parse(text)) : objectOf(text);
  } catch {
    return undefined;
  }
}

const MAX_PREFIX = 1024;
