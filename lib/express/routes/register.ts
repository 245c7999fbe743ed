import type { AuthContext } from '../context.js';
import type { Route } from './route.js';
import { type SignIn, signIn } from './sign-in.js';

/** `POST /register`: 201 and signed in, or 409 `ERR_REGISTER_REFUSED`. Limited like a login, for it costs as much. */
export function registerRoute(context: AuthContext, how: Pick<SignIn, 'identify' | 'accountOf'>): Route {
  const registration: SignIn = {
    status: 201,
    refusal: { code: 'ERR_REGISTER_REFUSED', message: 'the registration was refused' },
    identify: how.identify,
    accountOf: how.accountOf,
  };
  return { judgedBy: 'other', handle: (req, res) => signIn(context, registration, req, res) };
}
