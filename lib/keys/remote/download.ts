import { KeyturnError } from '../../errors.js';
import type { RemoteSettings } from './options.js';
import { shownUrl } from './url.js';

/** An answer that came whole and in time. */
export interface Download {
  readonly text: string;
  /** What its `Cache-Control` says about its age, in milliseconds; `undefined` if it says nothing. */
  readonly maxAge: number | undefined;
}

/**
 * Fetches a key set once: no redirect, no cookie, one limit for the time and one for the size, both held while the body comes.
 *
 * @throws KeyturnError `ERR_KEY_SET_UNAVAILABLE`, saying why.
 */
export async function download(settings: RemoteSettings): Promise<Download> {
  const controller = new AbortController();
  const late = unavailable(settings, `no answer within ${String(settings.timeout)} ms`);
  const timeUp = new Promise<never>((_resolve, reject) => {
    controller.signal.addEventListener('abort', () => {
      reject(late);
    });
  });
  const timer = setTimeout(() => {
    controller.abort(late);
  }, settings.timeout);
  timer.unref();
  const answer = request(settings, controller.signal);
  try {
    // A fetch of the application's own may not listen to the signal.
    return await Promise.race([answer, timeUp]);
  } catch (error) {
    throw error instanceof KeyturnError ? error : unavailable(settings, 'the request failed', error);
  } finally {
    clearTimeout(timer);
    // Whichever lost the race has nobody to tell.
    timeUp.catch(() => undefined);
    answer.catch(() => undefined);
  }
}

async function request(settings: RemoteSettings, signal: AbortSignal): Promise<Download> {
  const call = settings.fetch ?? fetch;
  const response = await call(settings.url, {
    // Compressed, a small answer could become a large one.
    headers: { accept: 'application/jwk-set+json, application/json', 'accept-encoding': 'identity', ...settings.headers },
    redirect: 'manual',
    credentials: 'omit',
    signal,
  });
  const problem = problemOf(response, settings);
  if (problem !== undefined) {
    await response.body?.cancel();
    throw unavailable(settings, problem);
  }
  const bytes = await read(response, settings);
  return { text: decode(bytes, settings), maxAge: maxAgeOf(response.headers) };
}

function problemOf(response: Response, { maxBytes }: RemoteSettings): string | undefined {
  const { status } = response;
  if (response.redirected || response.type === 'opaqueredirect' || (status >= 300 && status < 400)) {
    return 'redirects are not followed; give the address it redirects to';
  }
  if (status !== 200) return `it answered ${String(status)}`;
  return Number(response.headers.get('content-length') ?? 0) > maxBytes ? tooLarge(maxBytes) : undefined;
}

async function read(response: Response, settings: RemoteSettings): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop early cancels the rest.
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.byteLength;
    if (length > settings.maxBytes) throw unavailable(settings, tooLarge(settings.maxBytes));
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Buffer, settings: RemoteSettings): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw unavailable(settings, 'the answer is not UTF-8', cause);
  }
}

/** RFC 9111, section 5.2.2, as far as it lets an answer be kept for longer or shorter. */
function maxAgeOf(headers: Headers): number | undefined {
  const directives = (headers.get('cache-control') ?? '').toLowerCase().split(',').map((part) => part.trim());
  if (directives.includes('no-store') || directives.includes('no-cache')) return 0;
  const seconds = directives.map((part) => /^max-age="?(\d{1,10})"?$/.exec(part)?.[1]).find((match) => match !== undefined);
  if (seconds === undefined) return undefined;
  const age = /^\d{1,10}$/.exec(headers.get('age') ?? '')?.[0] ?? '0';
  return Math.max(0, Number(seconds) - Number(age)) * 1000;
}

function tooLarge(maxBytes: number): string {
  return `the answer is longer than maxBytes (${String(maxBytes)})`;
}

function unavailable({ url }: RemoteSettings, why: string, cause?: unknown): KeyturnError {
  return new KeyturnError('ERR_KEY_SET_UNAVAILABLE', `The key set at ${shownUrl(url)} could not be fetched: ${why}.`, { cause });
}
