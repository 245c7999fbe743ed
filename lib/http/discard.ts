import type { IncomingMessage } from 'node:http';

/** How much of an unwanted body is read, and for how long. */
const MAX_DISCARDED_BYTES = 8 * 1024 * 1024;
const MAX_DISCARD_MS = 10_000;
/** For the answer to get out, before a client that would not stop is cut off. */
const LAST_WORD_MS = 1_000;

/**
 * Reads the rest of a body and drops it; resolves when it is time to answer. Closing a socket that still receives makes the
 * system send a reset, which can destroy an answer on its way; so the client is heard out first. One that sends more than 8 MB or
 * for more than 10 seconds is answered then, and its connection is cut a second later. Holds no memory.
 */
export function discardBody(req: IncomingMessage): Promise<void> {
  if (req.readableEnded || req.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    let size = 0;
    const stop = (): void => {
      clearTimeout(timer);
      req.off('data', count).off('end', stop).off('close', stop);
      resolve();
    };
    const cut = (): void => {
      stop();
      req.pause();
      setTimeout(() => req.destroy(), LAST_WORD_MS).unref();
    };
    const count = (chunk: Buffer | string): void => {
      size += chunk.length;
      if (size > MAX_DISCARDED_BYTES) cut();
    };
    const timer = setTimeout(cut, MAX_DISCARD_MS);
    req.on('data', count).on('end', stop).on('close', stop);
    req.resume();
  });
}
