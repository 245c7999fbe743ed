import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import { BrowserOfFile, skipWithoutBrowser as skip, type Visitor } from '../support/browser.js';
import { type Demo, startDemo, until } from '../support/demo.js';

/** What Chromium itself reports of every answer from 400 on; no script can prevent it. */
const REFUSED = /^Failed to load resource: the server responded with a status of 4\d\d/;

const browser = new BrowserOfFile();

test('the first visit of a stranger shows the login and no error', { skip }, async (t) => {
  const { visitor } = await visit(t);
  await visitor.sees('login-card');
  await visitor.sees('status', 'signed out');
  await visitor.sees('events-state', 'live');
  assert.deepEqual(visitor.complaints, []);
  assert.equal(await visitor.page.getByTestId('session-card').isVisible(), false);
});

test('a wrong password is told, the right one signs in', { skip }, async (t) => {
  const { demo, visitor } = await visit(t);
  await visitor.fill('username', 'alice');
  await visitor.fill('password', 'wrong');
  await visitor.click('login');
  await visitor.sees('login-error', 'ERR_LOGIN_FAILED');
  await visitor.sees('events', 'login_failed');

  await logIn(visitor, demo, 'alice');
  assert.equal(await visitor.text('roles'), 'admin, user');
  assert.equal(await visitor.text('permissions'), 'reports:read, orders:write');
  await visitor.sees('access-countdown', /\d+ (s|min)/);
  await visitor.sees('absolute-countdown', /2[34] h \d\d min/);
  assertNoComplaints(visitor);
});

test('scripts see the XSRF token and nothing else', { skip }, async (t) => {
  const { demo, visitor } = await visit(t);
  await logIn(visitor, demo, 'alice');
  assert.match(String(await visitor.page.evaluate('document.cookie')), /^XSRF-TOKEN=[\w-]{43}$/);
  assert.equal(await visitor.page.evaluate('localStorage.length + sessionStorage.length'), 0);
  const cookies = await visitor.context.cookies();
  const refresh = cookies.find(({ name }) => name === '__Host-Http-keyturn');
  assert.deepEqual([refresh?.httpOnly, refresh?.secure, refresh?.sameSite, refresh?.path], [true, true, 'Strict', '/']);
});

test('the API answers alice, and refuses bob what is not his', { skip }, async (t) => {
  const { demo, visitor } = await visit(t);
  await logIn(visitor, demo, 'alice');
  for (const [button, status] of [['call-me', '200'], ['call-reports', '200'], ['call-orders', '201'], ['call-admin', '200']] as const) {
    await visitor.click(button);
    await visitor.sees('answer-call', await visitor.text(button));
    await visitor.sees('answer-status', status);
  }
  await visitor.click('logout');
  await logIn(visitor, demo, 'bob');
  await visitor.click('call-admin');
  await visitor.sees('answer-status', '403');
  await visitor.sees('answer-body', 'ERR_ACCESS_DENIED');
  assert.equal(await visitor.page.locator('[data-type="refresh_rotated"]').count(), 0, 'a 403 is no reason to refresh');
  assertNoComplaints(visitor);
});

test('a token that has run out is renewed once, however many calls need it', { skip }, async (t) => {
  const { demo, visitor } = await visit(t, { KEYTURN_ACCESS_TTL: '3s' });
  await logIn(visitor, demo, 'alice');
  await visitor.sees('access-countdown', 'over');
  const token = await visitor.text('token-id');
  const rotations = visitor.page.locator('[data-type="refresh_rotated"]');
  const before = await rotations.count();
  await visitor.click('call-burst');
  await visitor.sees('answer-status', '20 x 200');
  await rotations.nth(before).waitFor();
  assert.equal(await rotations.count(), before + 1);
  assert.notEqual(await visitor.text('token-id'), token);
  assertNoComplaints(visitor);
});

test('a reload keeps the session, although the token was in memory alone', { skip }, async (t) => {
  const { demo, visitor } = await visit(t);
  await logIn(visitor, demo, 'bob');
  const session = await visitor.text('session-id');
  await visitor.page.reload();
  await visitor.sees('status', 'signed in as bob');
  assert.equal(await visitor.text('session-id'), session);
  assert.deepEqual(visitor.complaints, []);
});

test('a button refreshes, and the session list shows and ends other sessions', { skip }, async (t) => {
  const { demo, visitor: laptop } = await visit(t);
  await logIn(laptop, demo, 'alice');
  await laptop.click('refresh');
  await laptop.sees('answer-call', 'POST /auth/refresh');
  await laptop.sees('answer-status', '200');
  await laptop.sees('events', 'refresh_rotated');
  assert.doesNotMatch(await laptop.text('answer-body'), /eyJ/, 'a token is not shown');

  const { visitor: phone } = await visit(t, {}, demo);
  await logIn(phone, demo, 'alice');
  const other = await phone.text('session-id');
  await laptop.sees('sessions', other);
  assert.equal(await laptop.page.getByTestId('session-row').count(), 2);
  await laptop.click(`session-end-${other}`);
  await phone.sees('notice', 'ERR_SESSION_REVOKED');
  await phone.sees('login-card');
  await laptop.sees('status', 'signed in as alice');
});

test('a stolen cookie that is used after the grace ends the session for both', { skip }, async (t) => {
  const { demo, visitor: owner } = await visit(t, { KEYTURN_GRACE: '1s' });
  await logIn(owner, demo, 'alice');
  const stolen = await owner.context.cookies();
  await owner.click('refresh');
  await owner.sees('events', 'refresh_rotated');
  await until(Date.now() + 1_000);

  const { visitor: thief } = await visit(t, {}, demo, async ({ context }) => context.addCookies(stolen));
  await thief.sees('notice', 'ERR_REFRESH_REUSED');
  await thief.sees('status', 'signed out');
  await owner.sees('events', 'refresh_reuse');
  await owner.sees('notice', /refresh token was used twice.*ERR_SESSION_REVOKED/);
  await owner.sees('status', 'signed out');
});

test('a logout here signs out here, one everywhere signs out everywhere', { skip }, async (t) => {
  const { demo, visitor: laptop } = await visit(t);
  await logIn(laptop, demo, 'alice');
  await laptop.click('logout');
  await laptop.sees('login-card');
  await laptop.sees('answer-status', '204');
  assert.deepEqual(await laptop.context.cookies(), []);
  await laptop.click('call-me');
  await laptop.sees('answer-body', 'ERR_TOKEN_MISSING');

  await logIn(laptop, demo, 'alice');
  const { visitor: phone } = await visit(t, {}, demo);
  await logIn(phone, demo, 'alice');
  await phone.click('logout-all');
  await phone.sees('login-card');
  await laptop.sees('notice', 'ERR_SESSION_REVOKED');
  assertNoComplaints(laptop);
});

test('when the session rests too long the page says so by itself', { skip }, async (t) => {
  const { demo, visitor } = await visit(t, { KEYTURN_IDLE: '3s' });
  await logIn(visitor, demo, 'bob');
  await visitor.sees('notice', /idle for too long.*ERR_SESSION_EXPIRED/);
  await visitor.sees('events', 'session_expired');
});

/** Opens the page of a demo, a new one unless given. */
async function visit(
  t: TestContext,
  variables: Readonly<Record<string, string>> = {},
  running?: Demo,
  prepare?: (visitor: Visitor) => Promise<void>,
): Promise<{ readonly demo: Demo; readonly visitor: Visitor }> {
  const demo = running ?? (await startDemo(t, variables));
  const visitor = await browser.visitor(t);
  await prepare?.(visitor);
  await visitor.page.goto(`http://localhost:${String(demo.server.port)}/`);
  return { demo, visitor };
}

async function logIn(visitor: Visitor, demo: Demo, name: string): Promise<void> {
  await visitor.fill('username', name);
  await visitor.fill('password', demo.passwordOf(name));
  await visitor.click('login');
  await visitor.sees('status', `signed in as ${name}`);
}

function assertNoComplaints({ complaints }: Visitor): void {
  assert.deepEqual(complaints.filter((text) => !REFUSED.test(text)), []);
}
