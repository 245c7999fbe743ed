import { constants, createHmac, createSign, createVerify, type KeyObject, timingSafeEqual } from 'node:crypto';

import { codeOf } from '../native-error.js';
import { encodedHeader, signingInput, textOf } from './compact.js';
import { derOf, signEcdsa } from './ecdsa.js';
import type { KeyHandle } from './key-handle.js';

/** What is signed: claims, or the JSON text of claims and that of those to be added, both objects'. */
export type Content = { readonly claims: unknown } | { readonly text: string; readonly added: string };

/** A header as this package writes it. */
export type Header = { alg: string; typ?: string | undefined; kid?: string | undefined };

/**
 * The compact JWS over a payload. The key must be of the kind that the algorithm asks for.
 *
 * @throws TypeError for an algorithm, an encoding or a payload that cannot be written, and what node:crypto throws.
 */
export function seal(header: Header, headerIsPlain: boolean, content: Content, handle: KeyHandle | undefined, encoding: string): string {
  const [family, bits] = parseAlgorithm(header.alg);
  if (family === 'HS' && encoding === 'utf8' && handle !== undefined) {
    const token = tokenOf(headerIsPlain ? plainHeader(header) : encodedHeader(header), content, handle, header.alg);
    if (typeof token === 'string') return token;
  }
  const input = signingInput(header, 'text' in content ? joined(content.text, content.added) : content.claims, encoding);
  return `${input}.${family === 'none' ? '' : sign(family, bits, input, (handle as KeyHandle).object)}`;
}

/** The token, or what is no string where the addon does not make one. */
function tokenOf(header: string, content: Content, handle: KeyHandle, alg: string): unknown {
  const { sign } = handle.hmac(alg);
  if ('text' in content) return sign(header, content.text, content.added);
  const text = textOf(content.claims);
  return text === undefined ? undefined : sign(header, text);
}

/** One object of the members of two. */
function joined(text: string, added: string): string {
  if (text === '{}') return added;
  return added === '{}' ? text : `${text.slice(0, -1)},${added.slice(1)}`;
}

/**
 * Whether the last segment of a compact JWS is the key's signature over the others.
 *
 * @throws Error for an algorithm that there is not, TypeError for an ECDSA signature of another length.
 */
export function hasValidSignature(token: string, alg: string, handle: KeyHandle | undefined): boolean {
  if (!alg) throw Object.assign(new Error('Missing algorithm parameter for jws.verify'), { code: 'MISSING_ALGORITHM' });
  const [family, bits] = parseAlgorithm(alg);
  const end = token.lastIndexOf('.');
  const signature = token.slice(end + 1);
  if (family === 'none') return signature === '';
  const { object } = handle as KeyHandle;
  const input = token.slice(0, end);
  switch (family) {
    case 'HS':
      return hasValidTag(token, alg, handle as KeyHandle, input, signature);
    case 'ES':
      return createVerify(`RSA-SHA${bits}`).update(input).verify(object, derOf(signature, bits));
    case 'PS':
      return createVerify(`RSA-SHA${bits}`).update(input).verify({ key: object, ...PSS }, signature, 'base64');
    default:
      return createVerify(`RSA-SHA${bits}`).update(input).verify(object, signature, 'base64');
  }
}

const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } as const;

/** The last header that was written without members of the caller's own: a program writes few. */
let lastHeader = { alg: '', typ: undefined as string | undefined, kid: undefined as string | undefined, segment: '' };

function plainHeader({ alg, typ, kid }: Header): string {
  if (lastHeader.alg !== alg || lastHeader.typ !== typ || lastHeader.kid !== kid) {
    lastHeader = { alg, typ, kid, segment: encodedHeader({ alg, typ, kid }) };
  }
  return lastHeader.segment;
}

function sign(family: string, bits: string, input: string, key: KeyObject): string {
  // The name stands for the hash alone; the key decides what kind of signature it is.
  const hash = `RSA-SHA${bits}`;
  switch (family) {
    case 'HS':
      return createHmac(`sha${bits}`, key).update(input).digest('base64url');
    case 'ES':
      return signEcdsa(createSign(hash).update(input), key, bits);
    case 'PS':
      return createSign(hash).update(input).sign({ key, ...PSS }, 'base64url');
    default:
      return createSign(hash).update(input).sign(key, 'base64url');
  }
}

function hasValidTag(token: string, alg: string, handle: KeyHandle, input: string, signature: string): boolean {
  const opened = handle.hmac(alg).open(token);
  if (typeof opened === 'string') return true;
  if (codeOf(opened) === 'ERR_SIGNATURE_INVALID') return false;
  // A token that the addon does not read: too long, or a payload in another spelling of base64url.
  const expected = Buffer.from(sign('HS', alg.slice(2), input, handle.object));
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

type Parsed = readonly [family: string, bits: string];

const ALGORITHMS: ReadonlyMap<string, Parsed> = new Map([
  ...['HS', 'RS', 'PS', 'ES'].flatMap((family) => ['256', '384', '512'].map((bits) => [family + bits, [family, bits]] as const)),
  ['none', ['none', '']] as const,
]);

function parseAlgorithm(alg: string): Parsed {
  const parsed = ALGORITHMS.get(alg);
  if (parsed !== undefined) return parsed;
  throw new TypeError(
    `"${alg}" is not a valid algorithm.\n  Supported algorithms are:\n  ` +
      '"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512" and "none".',
  );
}
