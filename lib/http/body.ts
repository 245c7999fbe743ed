import type { IncomingMessage } from 'node:http';

import { KeyturnError } from '../errors.js';
import { discardBody } from './discard.js';

/** A request whose body some parser before keyturn may have read. */
export interface RequestWithBody extends IncomingMessage {
  body?: unknown;
}

/** A JSON object as it came over the wire: every value is to be checked. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Bytes of a body that is read here. A parser that ran before has its own limit. */
const MAX_BODY_BYTES = 16 * 1024;

/** A body of at most 16 KB that takes longer does not come from a client that waits for an answer. */
const MAX_BODY_MS = 10_000;

const JSON_TYPE = /^application\/json[ \t]*(?:;|$)/i;
const CHARSET = /;[ \t]*charset[ \t]*=[ \t]*"?([^";\s]*)/i;

/**
 * The JSON object in a request's body: `req.body` when a parser has left one there, else read from the stream, of which at
 * most 16 KB are ever held. Of a larger body, known by its Content-Length or by the byte that exceeds the limit, the rest is read
 * and dropped ({@link discardBody}), so that the answer arrives and the connection stays usable.
 *
 * The type is checked in both cases: `application/json` is what keeps HTML forms of other sites out, since a cross-site
 * request of that type needs a preflight.
 *
 * @throws KeyturnError (rejects) `ERR_BODY_TYPE`, `ERR_BODY_TOO_LARGE`, or `ERR_BODY_INVALID` for what is not one JSON object
 *   in UTF-8, and for a client that goes away in mid-body.
 */
export async function readJsonBody(req: RequestWithBody): Promise<JsonObject> {
  if (!isJson(req)) {
    await discardBody(req);
    throw new KeyturnError('ERR_BODY_TYPE', 'send the body as application/json in UTF-8, uncompressed');
  }
  const body: unknown = wasParsed(req) ? req.body : parse(await collect(req));
  if (typeof body !== 'object' || body === null || Array.isArray(body) || Buffer.isBuffer(body)) {
    throw invalid('the body must be a JSON object');
  }
  return body as JsonObject;
}

function isJson(req: IncomingMessage): boolean {
  const type = req.headers['content-type'] ?? '';
  if (!JSON_TYPE.test(type)) return false;
  const charset = CHARSET.exec(type)?.[1]?.toLowerCase() ?? 'utf-8';
  const encoding = req.headers['content-encoding']?.toLowerCase() ?? 'identity';
  return (charset === 'utf-8' || charset === 'utf8') && encoding === 'identity';
}

/** Body parsers for Express 4 leave `{}` behind when the body was of no type of theirs, and the stream unread. */
function wasParsed(req: RequestWithBody): boolean {
  if (req.body === undefined) return false;
  const { body } = req;
  const isEmpty = typeof body === 'object' && body !== null && !Array.isArray(body) && Object.keys(body).length === 0;
  return !isEmpty || req.readableDidRead;
}

async function collect(req: IncomingMessage): Promise<Buffer> {
  if (req.readableEnded || req.destroyed) throw invalid('the body was read before keyturn saw it, and req.body is not set');
  const isDeclaredTooLarge = Number(req.headers['content-length'] ?? 0) > MAX_BODY_BYTES;
  const bytes = isDeclaredTooLarge ? undefined : await readUpToLimit(req);
  if (bytes !== undefined) return bytes;
  await discardBody(req);
  throw new KeyturnError('ERR_BODY_TOO_LARGE', `the body is over ${String(MAX_BODY_BYTES)} bytes`);
}

/** `undefined` as soon as there is more than the limit. */
function readUpToLimit(req: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const stop = (): void => {
      clearTimeout(timer);
      req.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
    };
    const timer = setTimeout(() => {
      stop();
      reject(invalid('the body did not arrive in time'));
    }, MAX_BODY_MS);
    const onData = (chunk: Buffer | string): void => {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      size += bytes.length;
      if (size <= MAX_BODY_BYTES) {
        chunks.push(bytes);
        return;
      }
      stop();
      resolve(undefined);
    };
    const onEnd = (): void => {
      stop();
      resolve(Buffer.concat(chunks));
    };
    const onClose = (): void => {
      stop();
      reject(invalid('the connection ended before the body did'));
    };
    req.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes), withoutPrototype);
  } catch {
    // The parser's message quotes the body, which may hold a password.
    throw invalid('the body is not valid JSON');
  }
}

/** An own `__proto__` is harmless here, but would set the prototype once the application copies the object. */
function withoutPrototype(key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value;
}

function invalid(message: string): KeyturnError {
  return new KeyturnError('ERR_BODY_INVALID', message);
}
