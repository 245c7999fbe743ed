import type { Duplex } from 'node:stream';

/** How much of a request that cannot be read is still received, and for how long, so that the answer arrives. */
const MAX_DISCARDED_BYTES = 32 * 1024 * 1024;
const MAX_DISCARD_MS = 5_000;

/**
 * Answers what Node's parser refuses before any handler sees it, such as a token of some megabytes in a header (Node takes 16 KB
 * of headers). Closing at once would reset the connection while the client still sends, and the answer would be lost: so the
 * rest is received and dropped first, within bounds.
 */
export function answerClientError(error: Error & { readonly code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  // The parser would report every further byte.
  socket.removeAllListeners('data');
  socket.end(answerTo(error.code));
  let size = 0;
  socket.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > MAX_DISCARDED_BYTES) socket.destroy();
  });
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), MAX_DISCARD_MS);
  socket.once('close', () => clearTimeout(timer));
}

function answerTo(code: string | undefined): string {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return response('431 Request Header Fields Too Large', 'ERR_TOKEN_TOO_LARGE', 'the headers are larger than any token may be');
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return response('408 Request Timeout', 'ERR_BODY_INVALID', 'the request took too long');
  return response('400 Bad Request', 'ERR_BODY_INVALID', 'this is not HTTP');
}

function response(status: string, code: string, message: string): string {
  const body = JSON.stringify({ error: { code, message } });
  const head = [
    `HTTP/1.1 ${status}`,
    'Cache-Control: no-store',
    'Connection: close',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${String(Buffer.byteLength(body))}`,
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}
