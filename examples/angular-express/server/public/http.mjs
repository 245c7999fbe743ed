/**
 * @typedef {object} Answer
 * @property {number} status 0 when the server did not answer.
 * @property {unknown} body What its JSON said, if it had any.
 * @property {number | undefined} retryAfter Seconds.
 */

/** @typedef {{ readonly code: string, readonly message: string, readonly reason?: string }} Failure */

const TIMEOUT_MS = 10_000;

/**
 * Sends one request to the page's own server. Never rejects.
 *
 * @param {string} method
 * @param {string} path
 * @param {{ headers?: Readonly<Record<string, string>>, body?: unknown, keepalive?: boolean }} [options]
 * @returns {Promise<Answer>}
 */
export async function send(method, path, { headers = {}, body, keepalive = false } = {}) {
  try {
    const response = await fetch(path, {
      method,
      headers: body === undefined ? headers : { ...headers, 'Content-Type': 'application/json' },
      cache: 'no-store',
      credentials: 'same-origin',
      keepalive,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const retryAfter = response.headers.get('Retry-After');
    const text = await response.text();
    return {
      status: response.status,
      body: text === '' ? undefined : JSON.parse(text),
      retryAfter: retryAfter === null ? undefined : Number(retryAfter),
    };
  } catch {
    const error = { code: 'ERR_NETWORK', message: 'The server did not answer.' };
    return { status: 0, body: { error }, retryAfter: undefined };
  }
}

/**
 * What an answer says went wrong.
 *
 * @param {Answer} answer
 * @returns {Failure}
 */
export function failureOf({ status, body }) {
  const failure = /** @type {{ error?: Failure } | undefined} */ (body)?.error;
  return failure ?? { code: String(status), message: 'The server answered without saying more.' };
}

/**
 * @param {Answer} answer
 * @returns {string} One line for a person.
 */
export function describe(answer) {
  const { code, message, reason } = failureOf(answer);
  const because = reason === undefined ? code : `${code}, ${reason}`;
  const wait = answer.retryAfter === undefined ? '' : ` Try again in ${answer.retryAfter} s.`;
  return `${message.charAt(0).toUpperCase()}${message.slice(1)} (${because}).${wait}`;
}
