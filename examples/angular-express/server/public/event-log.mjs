import { find, make } from './elements.mjs';

/**
 * @typedef {object} ShownEvent
 * @property {string} type
 * @property {number} time
 * @property {string} [subject]
 * @property {string} [session]
 * @property {string} [reason]
 */

const MAX_SHOWN = 200;
/** A refused stream is not opened again by the browser. */
const REOPEN_MS = 5_000;

/** @type {Readonly<Record<string, 'good' | 'bad' | 'warn'>>} */
const TONES = {
  login_ok: 'good',
  login_failed: 'warn',
  refresh_rotated: 'good',
  refresh_replayed: 'warn',
  refresh_reuse: 'bad',
  token_rejected: 'warn',
  rate_limited: 'warn',
  store_down: 'bad',
  generation_ahead: 'bad',
};

/**
 * Shows what the server reports, the newest first.
 *
 * @param {(event: ShownEvent) => void} onEvent Called for what happens from now on, not for what the server had kept.
 */
export function showEvents(onEvent) {
  const list = find('events', HTMLOListElement);
  const state = find('events-state', HTMLElement);
  const opened = Date.now();
  find('events-clear', HTMLButtonElement).addEventListener('click', () => list.replaceChildren());

  const tell = (/** @type {string} */ name, /** @type {string} */ text) => {
    state.dataset['state'] = name;
    state.textContent = text;
  };
  /** @type {EventSource | undefined} */
  let source;
  const open = () => {
    source?.close();
    source = new EventSource('/events');
    source.onopen = () => tell('live', 'live');
    source.onmessage = (/** @type {MessageEvent<string>} */ { data, lastEventId }) => {
      /** @type {unknown} */
      const parsed = JSON.parse(data);
      const event = /** @type {ShownEvent} */ (parsed);
      if (document.getElementById(`event-${lastEventId}`) !== null) return;
      list.prepend(row(event, lastEventId));
      while (list.children.length > MAX_SHOWN) list.lastElementChild?.remove();
      if (event.time > opened) onEvent(event);
    };
    source.onerror = () => {
      tell('interrupted', 'interrupted');
      if (source?.readyState === EventSource.CLOSED) setTimeout(open, REOPEN_MS);
    };
  };
  open();
}

/**
 * @param {ShownEvent} event
 * @param {string} id
 */
function row({ type, time, subject, session, reason }, id) {
  const about = [subject, session && `session ${session}`, reason].filter((part) => part !== undefined && part !== '');
  return make('li', { 'id': `event-${id}`, 'data-testid': 'event', 'data-type': type }, [
    make('time', { datetime: new Date(time).toISOString() }, [new Date(time).toLocaleTimeString()]),
    make('span', {}, [make('span', { 'class': 'badge', 'data-tone': TONES[type] ?? '' }, [type])]),
    make('span', {}, [about.join(', ')]),
  ]);
}
