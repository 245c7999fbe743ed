import type { TestContext } from 'node:test';

import { assembleAuth, type Auth, type HttpOptions, parseHttpOptions } from '../../dist/express/assemble-auth.js';
import type { RouterOptions } from '../../dist/express/router.js';
import { FakeSessions } from './fake-sessions.js';
import { cookiesOf, serve, type TestServer } from './server.js';

/** One `Auth` over fake sessions, its router being the whole server. */
export interface AuthServer {
  readonly auth: Auth;
  readonly sessions: FakeSessions;
  readonly server: TestServer;
}

export async function serveAuth(t: TestContext, http: HttpOptions = {}, router: Partial<RouterOptions> = {}): Promise<AuthServer> {
  const sessions = new FakeSessions();
  const auth = assembleAuth(sessions, parseHttpOptions(http));
  const server = await serve(t, auth.router({ authenticate, ...router }));
  return { auth, sessions, server };
}

/** Knows one user and one password. */
export function authenticate({ body }: { readonly body: Readonly<Record<string, unknown>> }) {
  if (body['username'] !== 'alice' || body['password'] !== 'right') return null;
  return { subject: 'alice', roles: ['admin', 'user'], permissions: ['reports:read'] };
}

/** A signed-in browser: what it would send along. */
export interface SignedIn {
  readonly accessToken: string;
  readonly sid: string;
  readonly refreshToken: string;
  readonly csrfToken: string;
  /** Cookie and XSRF headers. */
  readonly headers: Readonly<Record<string, string>>;
  readonly bearer: Readonly<Record<string, string>>;
}

export async function logIn(server: TestServer, headers: Readonly<Record<string, string>> = {}): Promise<SignedIn> {
  return signedIn(await server.post('/login', { username: 'alice', password: 'right' }, headers));
}

export async function signedIn(response: Response): Promise<SignedIn> {
  const { accessToken, session } = (await response.json()) as { accessToken: string; session: { id: string } };
  const cookies = cookiesOf(response);
  const refreshToken = cookies.get('__Host-Http-keyturn')?.value ?? '';
  const csrfToken = cookies.get('XSRF-TOKEN')?.value ?? '';
  return {
    accessToken,
    sid: session.id,
    refreshToken,
    csrfToken,
    headers: { cookie: `__Host-Http-keyturn=${refreshToken}; XSRF-TOKEN=${csrfToken}`, 'x-xsrf-token': csrfToken },
    bearer: { authorization: `Bearer ${accessToken}` },
  };
}
