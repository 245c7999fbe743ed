import { failureOf, send } from './http.mjs';

/** @typedef {import('./http.mjs').Answer} Answer */
/** @typedef {import('./http.mjs').Failure} Failure */

/**
 * What login and refresh answer. Times are Unix milliseconds of the server's clock, `expiresIn` is seconds.
 *
 * @typedef {object} Grant
 * @property {string} accessToken
 * @property {number} expiresIn
 * @property {number} now
 * @property {{ id: string, startedAt: number, idleEndsAt: number, absoluteEndsAt: number }} session
 */

/**
 * Only shown, but for `exp`: whether they are true is for the server to say.
 *
 * @typedef {{ sub: string, jti: string, exp: number, roles?: string[], permissions?: string[] }} Claims
 */

/**
 * @typedef {object} State
 * @property {string} sid
 * @property {Claims} claims
 * @property {number} accessLife Milliseconds.
 * @property {number} accessEndsAt
 * @property {number} idleLimit Milliseconds, as far as known.
 * @property {number} idleEndsAt
 * @property {number} startedAt
 * @property {number} absoluteEndsAt
 */

/** A token that ends sooner than this is renewed before a call; of a short life, a quarter. */
const RENEW_BEFORE_MS = 5_000;
const LOCK = 'keyturn-demo-session';
const LOCK_WAIT_MS = 5_000;

/**
 * The session of this tab. The access token lives in this object and nowhere else; the refresh token is in a cookie that no
 * script can read. Login, logout and refresh run one at a time in all tabs together, so that no late answer undoes a newer one.
 */
export class Session {
  /** @type {string | undefined} */
  #accessToken;
  /** @type {State | undefined} */
  #state;
  /** @type {Failure | undefined} */
  #endedBy;
  /** How far the server's clock is ahead of this one, in milliseconds. */
  #clockAhead = 0;
  /** @type {Promise<Answer> | undefined} */
  #refreshing;
  /** @type {Set<() => void>} */
  #listeners = new Set();

  /** `undefined` when signed out. */
  get state() {
    return this.#state;
  }

  /** Why the last session ended, if the server ended it. */
  get endedBy() {
    return this.#endedBy;
  }

  /** The server's time. */
  now() {
    return Date.now() + this.#clockAhead;
  }

  /** @param {() => void} listener Called when `state` has changed. */
  onChange(listener) {
    this.#listeners.add(listener);
  }

  /**
   * @param {string} username
   * @param {string} password
   */
  login(username, password) {
    return exclusively(async () => {
      const answer = await send('POST', '/auth/login', { body: { username, password } });
      if (answer.status === 200) this.#adopt(/** @type {Grant} */ (answer.body));
      return answer;
    });
  }

  /**
   * Renews the tokens; at the start of the page this finds out whether there is a session at all. Calls made meanwhile wait for
   * the same answer.
   *
   * @param {{ byUser?: boolean }} [options] Whether the user asked for it, which counts as activity.
   * @returns {Promise<Answer>}
   */
  refresh({ byUser = false } = {}) {
    this.#refreshing ??= exclusively(() => this.#refreshNow(byUser)).finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** @param {'/auth/logout' | '/auth/logout-all'} path */
  logout(path) {
    return exclusively(async () => {
      const answer = await send('POST', path, { headers: await xsrfHeader() });
      // Also when the store is down the cookies are gone; without any answer, nothing is.
      if (answer.status === 204 || answer.status === 503) this.#drop(undefined);
      return answer;
    });
  }

  /**
   * Calls the server with the access token, which is renewed first if it is about to end, and once if it is refused.
   *
   * @param {string} method
   * @param {string} path
   * @param {{ background?: boolean }} [options] Whether it happens by itself, and must not count as the user's activity.
   * @returns {Promise<Answer>}
   */
  async call(method, path, { background = false } = {}) {
    if (this.#state !== undefined && this.#endsSoon(this.#state)) {
      const renewed = await this.refresh();
      if (renewed.status === 401) return renewed;
    }
    const answer = await this.#send(method, path, background);
    if (answer.status !== 401 || this.#state === undefined) return answer;
    const renewed = await this.refresh();
    return renewed.status === 200 ? this.#send(method, path, background) : answer;
  }

  /**
   * Takes over what the server has said of this session's idle limit since the last refresh.
   *
   * @param {{ lastActivityAt: number, idleEndsAt: number }} session
   */
  noteActivity({ lastActivityAt, idleEndsAt }) {
    if (this.#state === undefined) return;
    this.#state = { ...this.#state, idleEndsAt, idleLimit: idleEndsAt - lastActivityAt };
  }

  /** @param {State} state */
  #endsSoon({ accessEndsAt, accessLife }) {
    return accessEndsAt - this.now() < Math.min(RENEW_BEFORE_MS, accessLife / 4);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {boolean} background
   */
  #send(method, path, background) {
    /** @type {Record<string, string>} */
    const headers = {};
    if (this.#accessToken !== undefined) headers['Authorization'] = `Bearer ${this.#accessToken}`;
    if (background) headers['X-Keyturn-Background'] = '1';
    return send(method, path, { headers });
  }

  /**
   * @param {boolean} byUser
   * @returns {Promise<Answer>}
   */
  async #refreshNow(byUser) {
    const xsrf = await xsrfHeader();
    const headers = byUser ? { ...xsrf, 'X-Keyturn-Activity': '0' } : xsrf;
    // keepalive: were the page closed in between, the new cookie would be lost with the answer.
    const answer = await send('POST', '/auth/refresh', { headers, keepalive: true });
    if (answer.status === 200) this.#adopt(/** @type {Grant} */ (answer.body));
    else if (answer.status === 204) this.#drop(undefined);
    else if (answer.status === 401) this.#drop(failureOf(answer));
    else if (this.#state === undefined) this.#tell();
    return answer;
  }

  /** @param {Grant} grant */
  #adopt({ accessToken, expiresIn, now, session }) {
    const claims = claimsIn(accessToken);
    this.#clockAhead = now - Date.now();
    this.#accessToken = accessToken;
    this.#endedBy = undefined;
    this.#state = {
      sid: session.id,
      claims,
      accessLife: expiresIn * 1000,
      // Exact, where `expiresIn` counts whole seconds.
      accessEndsAt: claims.exp * 1000,
      idleLimit: session.idleEndsAt - now,
      idleEndsAt: session.idleEndsAt,
      startedAt: session.startedAt,
      absoluteEndsAt: session.absoluteEndsAt,
    };
    this.#tell();
  }

  /** @param {Failure | undefined} why */
  #drop(why) {
    this.#accessToken = undefined;
    this.#state = undefined;
    this.#endedBy = why;
    this.#tell();
  }

  #tell() {
    for (const listener of this.#listeners) listener();
  }
}

/**
 * The XSRF token of this session: from its cookie or, should that be lost, from the server.
 *
 * @returns {Promise<Record<string, string>>}
 */
async function xsrfHeader() {
  const cookie = /(?:^|; )XSRF-TOKEN=([^;]*)/.exec(document.cookie)?.[1];
  if (cookie !== undefined) return { 'X-XSRF-TOKEN': cookie };
  const { status, body } = await send('GET', '/auth/csrf');
  return status === 200 ? { 'X-XSRF-TOKEN': /** @type {{ csrfToken: string }} */ (body).csrfToken } : {};
}

/**
 * Waits until no tab does the like. After some seconds it goes on all the same: the server does not depend on this lock.
 *
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
async function exclusively(work) {
  const locks = lockManager();
  if (locks === undefined) return work();
  try {
    return await locks.request(LOCK, { signal: AbortSignal.timeout(LOCK_WAIT_MS) }, work);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'TimeoutError') return work();
    throw error;
  }
}

/**
 * Browsers have it on https and localhost only.
 *
 * @returns {LockManager | undefined}
 */
function lockManager() {
  return navigator.locks;
}

/**
 * @param {string} token
 * @returns {Claims}
 */
function claimsIn(token) {
  const payload = token.split('.')[1] ?? '';
  const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0));
  /** @type {unknown} */
  const claims = JSON.parse(new TextDecoder().decode(bytes));
  return /** @type {Claims} */ (claims);
}
