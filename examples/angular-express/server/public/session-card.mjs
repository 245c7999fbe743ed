import { Countdown } from './countdown.mjs';
import { find, shortId, show } from './elements.mjs';

/** @typedef {import('./session.mjs').Session} Session */

/** @typedef {import('./http.mjs').Failure} Failure */

const TICK_MS = 250;
/** How long after a limit the server is asked whether it sees it the same way. */
const ASK_AFTER_MS = 500;

/** @type {Readonly<Record<string, string>>} */
const REASONS = {
  absolute: 'It has reached its absolute end.',
  idle: 'It was idle for too long.',
  logout: 'It was ended from elsewhere.',
  reuse: 'Its refresh token was used twice, so somebody else had a copy of it.',
};

/**
 * Shows who is signed in, or the login form, and lets the three limits run down.
 *
 * @param {Session} session
 */
export function showSession(session) {
  const countdowns = {
    access: new Countdown('access-countdown'),
    idle: new Countdown('idle-countdown'),
    absolute: new Countdown('absolute-countdown'),
  };
  let hasAsked = false;

  const tick = () => {
    const { state } = session;
    if (state === undefined) return;
    const now = session.now();
    countdowns.access.update(state.accessEndsAt - now, state.accessLife);
    countdowns.idle.update(state.idleEndsAt - now, state.idleLimit);
    countdowns.absolute.update(state.absoluteEndsAt - now, state.absoluteEndsAt - state.startedAt);
    if (hasAsked || now < Math.min(state.idleEndsAt, state.absoluteEndsAt) + ASK_AFTER_MS) return;
    hasAsked = true;
    void session.refresh();
  };

  session.onChange(() => {
    hasAsked = false;
    fill(session);
    tick();
  });
  setInterval(tick, TICK_MS);
}

/** @param {Session} session */
function fill({ state, endedBy }) {
  const isSignedIn = state !== undefined;
  find('login-card', HTMLElement).hidden = isSignedIn;
  find('session-card', HTMLElement).hidden = !isSignedIn;
  find('sessions-card', HTMLElement).hidden = !isSignedIn;
  const status = find('status', HTMLElement);
  status.textContent = isSignedIn ? `signed in as ${state.claims.sub}` : 'signed out';
  status.dataset['tone'] = isSignedIn ? 'good' : '';
  show(find('notice', HTMLElement), endedBy && `Your session is over. ${reasonFor(endedBy)} (${endedBy.code})`);
  if (!isSignedIn) return;
  find('subject', HTMLElement).textContent = state.claims.sub;
  find('roles', HTMLElement).textContent = (state.claims.roles ?? []).join(', ') || 'none';
  find('permissions', HTMLElement).textContent = (state.claims.permissions ?? []).join(', ') || 'none';
  find('session-id', HTMLElement).textContent = shortId(state.sid);
  find('token-id', HTMLElement).textContent = shortId(state.claims.jti);
}

/** @param {Failure} failure */
function reasonFor({ reason, message }) {
  return REASONS[reason ?? ''] ?? message;
}
