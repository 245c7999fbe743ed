/** A compact JWS taken apart, nothing of it checked. */
export interface Decoded {
  readonly header: unknown;
  readonly payload: unknown;
  readonly signature: string;
}

/** How a payload is parsed: `json` whatever `typ` says; a function as `encoding` is JSON.parse's reviver. */
export interface PayloadOptions {
  readonly json?: unknown;
  readonly encoding?: unknown;
}

const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/**
 * Takes a compact JWS apart, with Node's own laxness about unused bits of base64url. `null`: it is none. The payload of a
 * header with `typ` JWT is parsed, any other is left as text.
 *
 * @throws SyntaxError if the payload is to be parsed and is not JSON.
 */
export function takeApart(token: unknown, options: PayloadOptions): Decoded | null {
  const text = textOf(token) as string;
  if (!COMPACT.test(text)) return null;
  const [first = '', second = '', signature = ''] = text.split('.');
  const header = parsedHeader(first);
  if (!header) return null;
  const payload = Buffer.from(second, 'base64').toString();
  const parsed = (header as Readonly<Record<string, unknown>>)['typ'] === 'JWT' || Boolean(options.json);
  return { header, payload: parsed ? JSON.parse(payload, options.encoding as undefined) : payload, signature };
}

/** A payload that was left as text, or was JSON text within JSON, as the object or array that it is the text of, if it is. */
export function objectOf(payload: unknown): unknown {
  if (typeof payload !== 'string') return payload;
  try {
    const parsed: unknown = JSON.parse(payload);
    return typeof parsed === 'object' && parsed !== null ? parsed : payload;
  } catch {
    return payload;
  }
}

/** Header and payload in base64url with a dot between: what is signed. The header's characters are taken as Latin-1. */
export function signingInput(header: unknown, payload: unknown, encoding: string): string {
  const text = textOf(payload) as string;
  return `${encodedHeader(header)}.${Buffer.from(text, encoding as BufferEncoding).toString('base64url')}`;
}

/** The first segment of a token. */
export function encodedHeader(header: unknown): string {
  return Buffer.from(textOf(header) as string, 'latin1').toString('base64url');
}

/** What stands for a value in a token; `undefined` where JSON has nothing to say. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || Buffer.isBuffer(value)) return value.toString();
  return JSON.stringify(value);
}

function parsedHeader(segment: string): unknown {
  try {
    return JSON.parse(Buffer.from(segment, 'base64').toString('latin1'));
  } catch {
    return undefined;
  }
}
