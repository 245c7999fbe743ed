import { find, onClick, show } from './elements.mjs';
import { showEvents } from './event-log.mjs';
import { describe } from './http.mjs';
import { Session } from './session.mjs';
import { showSession } from './session-card.mjs';
import { SessionList } from './session-list.mjs';

/** @typedef {import('./http.mjs').Answer} Answer */

const session = new Session();
const list = new SessionList(session);

showSession(session);
wireLogin();
wireSessionButtons();
wireCalls();
showEvents(({ type, subject }) => {
  const mayConcernUs = ['login_ok', 'logout', 'revoked', 'refresh_reuse'].includes(type);
  if (mayConcernUs && subject === session.state?.claims.sub) void list.load();
});
await session.refresh();
await list.load();

function wireLogin() {
  const form = find('login-form', HTMLFormElement);
  const error = find('login-error', HTMLElement);
  const button = find('login', HTMLButtonElement);
  const logIn = async () => {
    const username = find('username', HTMLInputElement).value;
    const password = find('password', HTMLInputElement);
    const answer = await session.login(username, password.value);
    password.value = '';
    show(error, answer.status === 200 ? undefined : describe(answer));
    await list.load();
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    button.disabled = true;
    void logIn().finally(() => {
      button.disabled = false;
    });
  });
}

function wireSessionButtons() {
  onClick(find('refresh', HTMLButtonElement), async () => {
    showAnswer('POST /auth/refresh', withoutToken(await session.refresh({ byUser: true })));
    await list.load();
  });
  onClick(find('logout', HTMLButtonElement), async () => {
    showAnswer('POST /auth/logout', await session.logout('/auth/logout'));
  });
  onClick(find('logout-all', HTMLButtonElement), async () => {
    showAnswer('POST /auth/logout-all', await session.logout('/auth/logout-all'));
  });
  onClick(find('sessions-reload', HTMLButtonElement), () => list.load());
}

function wireCalls() {
  for (const button of find('calls', HTMLElement).querySelectorAll('button')) {
    const { method = 'GET', path = '', times = '1' } = button.dataset;
    onClick(button, async () => {
      const answers = await Promise.all(Array.from({ length: Number(times) }, () => session.call(method, path)));
      const [answer] = answers;
      if (answer === undefined) return;
      showAnswer(`${method} ${path}`, answer, answers.length === 1 ? undefined : tally(answers));
      await list.load();
    });
  }
}

/**
 * @param {string} call
 * @param {Answer} answer
 * @param {string} [summary] Shown in place of the status.
 */
function showAnswer(call, { status, body }, summary) {
  find('answer', HTMLElement).hidden = false;
  find('answer-call', HTMLElement).textContent = call;
  const badge = find('answer-status', HTMLElement);
  badge.textContent = summary ?? (status === 0 ? 'no answer' : String(status));
  badge.dataset['tone'] = status >= 200 && status < 300 ? 'good' : 'bad';
  show(find('answer-body', HTMLElement), body === undefined ? undefined : JSON.stringify(body, null, 2));
}

/**
 * How often each status was answered, such as `20 x 200`.
 *
 * @param {readonly Answer[]} answers
 */
function tally(answers) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const { status } of answers) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, count]) => `${count} x ${status}`).join(', ');
}

/**
 * The token itself is not for the screen.
 *
 * @param {Answer} answer
 * @returns {Answer}
 */
function withoutToken(answer) {
  if (answer.status !== 200) return answer;
  return { ...answer, body: { .../** @type {object} */ (answer.body), accessToken: '(kept in memory)' } };
}
