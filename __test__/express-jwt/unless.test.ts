import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { expressjwt as makeTheirs } from 'express-jwt';

import { EXPRESS_VERSIONS, type Note, PACKAGES, Twins } from './twins.js';

type Unless = Parameters<ReturnType<typeof makeTheirs>['unless']>[0];

const OPTIONS = { secret: 'a secret of at least thirty-two bytes', algorithms: ['HS256' as const] };

/** Rules by name; each mounted on its own. */
function ruleSets(note: Note): Readonly<Record<string, Unless>> {
  return {
    'no rule': {},
    'a path': { path: '/0/open' },
    'a path below the mount point': { path: '/open', useOriginalUrl: false },
    'the path of the mount point': { path: '/', useOriginalUrl: false },
    'several paths': { path: ['/4/open', '/4/files/a.css', /\/public\//] },
    'a pattern': { path: /open$/i },
    'a global pattern': { path: /open/g },
    'a sticky pattern': { path: /\/7/y },
    'a path with a method': { path: { url: '/8/open', method: 'POST' } },
    'a path with methods': { path: [{ url: '/9/open', methods: ['GET', 'PUT'] }, { url: /public/, methods: 'DELETE' }] },
    'a path with no method that counts': { path: { url: '/10/open', methods: [] } },
    'a path with both': { path: { url: '/11/open', method: 'POST', methods: ['GET'] } },
    'a path with an empty method': { path: { url: '/12/open', method: '', methods: ['PUT'] } },
    'a path without a url': { path: { method: 'GET' } as unknown as string },
    'a path that is a number': { path: 5 as unknown as string },
    'an ending': { ext: '.css' },
    'several endings': { ext: ['css', '.html'] },
    'an empty ending': { ext: '' },
    'a method': { method: 'PUT' },
    'several methods': { method: ['DELETE', 'OPTIONS'] },
    'no method': { method: [] },
    'a function': (req) => (note('custom', req.originalUrl), req.query['open'] === '1'),
    'a function among others': { custom: (req) => req.url.includes('open'), path: '/22/files/a.css' },
    'an async function': { custom: (async (req: { url: string }) => req.url.includes('open')) as unknown as () => boolean },
    'a function that says something': { custom: () => 'yes' as unknown as boolean },
  };
}

const PATHS = ['', '/', '/open', '/open/', '/OPEN', '/open?x=/public/', '/open%2f', '/%6fpen', '//open', '/a/../open', '/x;open', '/files/a.css', '/files/a.html', '/files/a.css?b', '/public/x', '?open=1', '/x?open=1'];

const METHODS = ['GET', 'POST', 'PUT', 'DELETE'];

for (const [version, make] of EXPRESS_VERSIONS) {
  it(`unless in ${version} does what express-unless does`, async (t) => {
    const twins = await Twins.start(t, make, (app, { expressjwt }, note) => {
      for (const [index, rules] of Object.values(ruleSets(note)).entries()) app.use(`/${index}`, expressjwt(OPTIONS).unless(rules));
      app.use(expressjwt(OPTIONS).unless({ path: '/a' }).unless({ path: '/b' }));
    });
    for (const [index, name] of Object.keys(ruleSets(() => {})).entries()) {
      await t.test(`with ${name}`, async () => {
        for (const path of PATHS) {
          for (const method of version === 'Express 5' ? METHODS : ['GET']) {
            const [theirs, ours] = await twins.ask(method, `/${index}${path}`, {});
            assert.deepEqual(ours, theirs, `${method} /${index}${path}`);
          }
        }
      });
    }
    await t.test('with two rules, one on what the other returned', async () => {
      for (const path of ['/a', '/b', '/c']) {
        const [theirs, ours] = await twins.ask('GET', path, {});
        assert.deepEqual(ours, theirs, path);
      }
    });
  });
}

describe('unless, called without Express', () => {
  const call = (req: unknown, rules: Unless): Promise<unknown[]> =>
    Promise.all(
      PACKAGES.map(
        ([, { expressjwt }]) =>
          new Promise((resolve) => {
            const middleware = expressjwt(OPTIONS).unless(rules);
            void middleware(req as never, {} as never, ((error?: { code: string }) => resolve(error?.code)) as never);
          }),
      ),
    );

  it('takes requests that other servers make', async () => {
    for (const req of [{ url: '/open', headers: {} }, { originalUrl: '', url: '/open', headers: {} }, { originalUrl: '/x', url: '/open', headers: {} }]) {
      for (const rules of [{ path: '/open' }, { path: '/open', useOriginalUrl: false }, { path: '/x' }]) {
        const [theirs, ours] = await call(req, rules);
        assert.equal(ours, theirs, JSON.stringify([req, rules]));
      }
    }
  });

  it('lets no rule about paths apply where there is no path', async () => {
    for (const rules of [{ path: /^/ }, { path: '' }, { ext: '' }]) {
      const { expressjwt } = PACKAGES[1][1];
      const code = await new Promise((resolve) => {
        void expressjwt(OPTIONS).unless(rules)({ url: '?x', headers: {} } as never, {} as never, ((error?: { code: string }) => resolve(error?.code)) as never);
      });
      assert.equal(code, 'credentials_required');
    }
  });

  it('serves any other middleware that has it as a method', async () => {
    const outcomes = PACKAGES.map(([, { expressjwt }]) => {
      const calls: string[] = [];
      const other = Object.assign(() => calls.push('called'), { unless: expressjwt(OPTIONS).unless });
      const left = other.unless({ path: '/open' });
      return Promise.all(['/open', '/closed'].map((url) => left({ url } as never, {} as never, () => calls.push('left out')))).then(() => calls);
    });
    const [theirs, ours] = await Promise.all(outcomes);
    assert.deepEqual(ours, theirs);
  });
});
