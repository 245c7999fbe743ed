import { find, make, onClick, shortId } from './elements.mjs';

/** @typedef {import('./session.mjs').Session} Session */

/**
 * @typedef {object} Entry
 * @property {string} id
 * @property {boolean} current
 * @property {string | null} device
 * @property {number} startedAt
 * @property {number} lastActivityAt
 * @property {number} idleEndsAt
 */

/** The table of the user's sessions, each with a button that ends it. */
export class SessionList {
  #session;
  #rows = find('sessions', HTMLTableSectionElement);
  /** @type {Promise<void> | undefined} */
  #loading;

  /** @param {Session} session */
  constructor(session) {
    this.#session = session;
  }

  /** Fetches the list, once however many ask meanwhile. */
  load() {
    this.#loading ??= this.#loadNow().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #loadNow() {
    if (this.#session.state === undefined) return;
    const answer = await this.#session.call('GET', '/auth/sessions', { background: true });
    if (answer.status !== 200) return;
    const { sessions } = /** @type {{ sessions: Entry[] }} */ (answer.body);
    const current = sessions.find((entry) => entry.current);
    if (current !== undefined) this.#session.noteActivity(current);
    this.#rows.replaceChildren(...sessions.map((entry) => this.#row(entry)));
  }

  /** @param {Entry} entry */
  #row(entry) {
    const end = make('button', { 'class': 'quiet', 'data-testid': `session-end-${shortId(entry.id)}` }, ['End']);
    onClick(end, () => this.#end(entry));
    const name = [make('code', {}, [shortId(entry.id)]), ...(entry.current ? [' ', thisOne()] : [])];
    return make('tr', { 'data-testid': 'session-row', 'data-current': String(entry.current) }, [
      make('td', {}, name),
      make('td', {}, [end]),
      make('td', {}, [entry.device ?? 'unknown']),
      make('td', {}, [time(entry.startedAt)]),
      make('td', {}, [time(entry.lastActivityAt)]),
      make('td', {}, [time(entry.idleEndsAt)]),
    ]);
  }

  /** @param {Entry} entry */
  async #end({ id, current }) {
    if (current) await this.#session.logout('/auth/logout');
    else await this.#session.call('DELETE', `/auth/sessions/${encodeURIComponent(id)}`);
    await this.load();
  }
}

function thisOne() {
  return make('span', { 'class': 'badge', 'data-tone': 'good' }, ['this one']);
}

/** @param {number} at */
function time(at) {
  return new Date(at).toLocaleTimeString();
}
