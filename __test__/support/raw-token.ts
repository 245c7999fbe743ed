import { createHmac, type KeyObject, sign } from 'node:crypto';

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

/** The HMAC-SHA-256 tag or the Ed25519 signature over a text, by node:crypto. */
export function signature(input: string, key: KeyObject): Buffer {
  return key.type === 'secret' ? createHmac('sha256', key).update(input).digest() : sign(null, Buffer.from(input), key);
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
