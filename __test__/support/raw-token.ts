import { constants, createHmac, type KeyObject, sign } from 'node:crypto';

/** A segment before base64url: bytes, text, or data that is written as JSON. */
export type Content = Buffer | string | Readonly<Record<string, unknown>>;

/** A compact JWS over any header and any payload, however wrong they are; only the signature is right. */
export function rawToken(header: Content, payload: Content, key: KeyObject): string {
  return signSegments(segment(header), segment(payload), key);
}

/** The same over two segments whose text is written as it is. */
export function signSegments(header: string, payload: string, key: KeyObject): string {
  const input = `${header}.${payload}`;
  return `${input}.${signature(input, key).toString('base64url')}`;
}

/** Which algorithm a key is for; its type alone does not tell RS256 from PS512. */
const ALGORITHMS = new WeakMap<KeyObject, string>();

/** Says which algorithm {@link signature} uses the key with. Without this a secret is for HS256, and a pair for EdDSA. */
export function boundTo(alg: string, key: KeyObject): KeyObject {
  ALGORITHMS.set(key, alg);
  return key;
}

/** The HMAC tag or the signature over a text, by node:crypto. */
export function signature(input: string, key: KeyObject): Buffer {
  const alg = ALGORITHMS.get(key) ?? (key.type === 'secret' ? 'HS256' : 'EdDSA');
  const hash = `sha${alg.slice(2)}`;
  if (key.type === 'secret') return createHmac(hash, key).update(input).digest();
  if (alg === 'EdDSA') return sign(null, Buffer.from(input), key);
  if (alg.startsWith('ES')) return sign(hash, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
  const padding = alg.startsWith('PS') ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
  return sign(hash, Buffer.from(input), { key, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST });
}

/** The canonical base64url text of a segment. */
export function segment(content: Content): string {
  return bytes(content).toString('base64url');
}

/** A payload that lives for a minute, with members of its own. */
export function alive(members: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { exp: Math.floor(Date.now() / 1000) + 60, ...members };
}

/** The same as text, with members that JSON.stringify would not write. */
export function aliveText(members: string): string {
  return `{"exp":${Math.floor(Date.now() / 1000) + 60},${members}}`;
}

function bytes(content: Content): Buffer {
  if (Buffer.isBuffer(content)) return content;
  return Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
}
