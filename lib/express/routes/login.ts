import type { AuthContext } from '../context.js';
import type { Route } from './route.js';
import { type SignIn, signIn } from './sign-in.js';

/** `POST /login`: 200 with a new session, or 401 `ERR_LOGIN_FAILED` without saying what was wrong. */
export function loginRoute(context: AuthContext, how: Pick<SignIn, 'identify' | 'accountOf'>): Route {
  const login: SignIn = {
    status: 200,
    refusal: { code: 'ERR_LOGIN_FAILED', message: 'the login failed' },
    identify: how.identify,
    accountOf: how.accountOf,
  };
  return { judgedBy: 'other', handle: (req, res) => signIn(context, login, req, res) };
}
