import assert from 'node:assert/strict';
import { it } from 'node:test';

import express from 'express';
import type * as theirs from 'express-jwt';
import { expressjwt, type GetVerificationKey, type Params, type Request, type TokenGetter, UnauthorizedError } from 'keyturn/express-jwt';

const SECRET = 'a secret of at least thirty-two bytes';

/** What an application that used express-jwt has written; that it compiles is the test. */
function application(): express.Application {
  const app = express();
  const getToken = (req: express.Request): string | undefined => req.get('x-token');
  const findKey: GetVerificationKey = async (req: express.Request, token) => (token?.header.kid === req.params['kid'] ? SECRET : undefined);
  const fromCookie: TokenGetter = (req) => (req.cookies as Readonly<Record<string, string>>)['token'];
  const mounted = (req: express.Request): string => req.baseUrl;

  app.use(expressjwt({ secret: SECRET, algorithms: ['HS256'] }));
  app.use('/a', expressjwt({ secret: findKey, algorithms: ['RS256'], getToken, audience: 'api', complete: true }).unless({ path: ['/login', /^\/public/] }));
  app.get('/b', expressjwt({ secret: SECRET, algorithms: ['HS256'], getToken: fromCookie, onExpired: async (_req, error) => Promise.reject(error) }), (req: Request, res) => {
    res.json({ sub: req.auth?.sub, parameters: Object.keys(req.params as object), path: mounted(req), agent: req.get('user-agent') });
  });
  app.get('/c', (req: Request<{ scope?: string }>, res: express.Response, next: express.NextFunction) => {
    if (req.auth?.scope === undefined) next(new UnauthorizedError('credentials_required', { message: 'no scope' }));
    else res.sendStatus(204);
  });
  app.use(expressjwt({ secret: SECRET, algorithms: ['HS256'] }).unless({ custom: (req: express.Request) => req.ip === '::1' }));
  app.use(((error: unknown, _req, res, next) => {
    if (error instanceof UnauthorizedError) res.status(error.status).json(error.code);
    else next(error);
  }) satisfies express.ErrorRequestHandler);
  return app;
}

/** Each stands where the other is asked for. */
const SAME_SHAPES = {
  params: (params: theirs.Params): Params => params,
  error: (error: theirs.UnauthorizedError): UnauthorizedError => error,
  errorBack: (error: UnauthorizedError): theirs.UnauthorizedError => error,
  request: (req: theirs.Request): Request => req,
  requestBack: (req: Request): express.Request => req,
  paramsBack: (params: Params): theirs.Params => params,
  middleware: (): ReturnType<typeof theirs.expressjwt> => expressjwt({ secret: SECRET, algorithms: ['HS256'] }),
} as const;

it('the types fit where those of express-jwt fit', () => {
  assert.equal(typeof application(), 'function');
  assert.equal(Object.keys(SAME_SHAPES).length, 7);
});
