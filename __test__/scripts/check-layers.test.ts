import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { runScript } from '../support/script.js';
import { makeTree } from '../support/tree.js';

/** A workspace of the three crates; each value is the text below `[dependencies]`. */
function workspace(crates: { readonly core?: string; readonly stores?: string; readonly binding?: string }) {
  const manifest = (name: string, dependencies = '') =>
    `[package]\nname = "${name}"\nversion = "0.1.0"\nedition = "2024"\n[dependencies]\n${dependencies}\n`;
  const foreign = ['napi', 'rusqlite', 'between'];
  const members = ['crates/core', 'crates/stores', ...foreign.map((name) => `foreign/${name}`)];
  return {
    'Cargo.toml': `${manifest('keyturn', crates.binding)}[workspace]\nmembers = ${JSON.stringify(members)}\n`,
    'src/lib.rs': '',
    'crates/core/Cargo.toml': manifest('keyturn-core', crates.core),
    'crates/core/src/lib.rs': '#![forbid(unsafe_code)]\n',
    'crates/stores/Cargo.toml': manifest('keyturn-stores', crates.stores),
    'crates/stores/src/lib.rs': '#![forbid(unsafe_code)]\n',
    'foreign/napi/Cargo.toml': manifest('napi'),
    'foreign/napi/src/lib.rs': '',
    'foreign/rusqlite/Cargo.toml': manifest('rusqlite'),
    'foreign/rusqlite/src/lib.rs': '',
    'foreign/between/Cargo.toml': manifest('between', 'napi = { path = "../napi" }'),
    'foreign/between/src/lib.rs': '',
  };
}

describe('check-layers', () => {
  const wrongImports: readonly (readonly [what: string, path: string, text: string])[] = [
    ['a second importer of native/', 'lib/tokens/sign.ts', "import { hot } from '../../native/index.js';"],
    ['keys that know tokens', 'lib/keys/ring.ts', "import { sign } from '../tokens/sign.js';"],
    ['tokens that know sessions', 'lib/tokens/verify.ts', "import type { Sessions } from '../sessions/sessions.js';"],
    ['sessions that know HTTP', 'lib/sessions/create.ts', "import { readCookie } from '../http/cookies.js';"],
    ['HTTP that knows Express', 'lib/http/body.ts', "export { router } from '../express/router.js';"],
    ['HTTP that knows sessions', 'lib/http/csrf.ts', "import { internalsOf } from '../sessions/internals.js';"],
    ['Express that reaches past sessions', 'lib/express/auth.ts', "import { store } from '../native.js';"],
    ['the package express', 'lib/express/guards.ts', "import type { Request } from 'express';"],
    ['an import() of the package express', 'lib/express/router.ts', "export const load = () => import('express');"],
    ['a require() of a test', 'lib/events.ts', "const fake = require('../__test__/support/fake.js');"],
    ['an example', 'lib/limiter.ts', "import '../examples/quickstart/server.js';"],
    ['the package itself', 'lib/tokens/claims.ts', "import { KeyturnError } from 'keyturn';"],
    ['errors that import', 'lib/errors.ts', "import { inspect } from 'node:util';"],
    ['a client that knows Node', 'client/session.ts', "import { request } from 'node:http';"],
    ['a client that knows lib', 'client/refresh.ts', "import { KeyturnError } from '../lib/errors.js';"],
    ['an adapter that knows lib', 'angular/provide.ts', "import { KeyturnError } from '../lib/errors.js';"],
    ['an adapter with a package of its own', 'angular/guard.ts', "import { z } from 'zod';"],
    ['a test of sources instead of what is built', '__test__/errors.test.ts', "import '../lib/errors.js';"],
    ['a test that passes lib/native by', '__test__/hot.test.ts', "import '../native/index.js';"],
    ['an example that reaches inside', 'examples/quickstart/server.ts', "import '../../dist/errors.js';"],
    ['a script that uses the package', 'scripts/start.mjs', "import '../lib/index.js';"],
    ['a path out of the project', 'lib/http/ip.ts', "import '../../../elsewhere/ip.js';"],
  ];
  it('refuses each wrong import, and nothing else', (test) => {
    const files = Object.fromEntries(wrongImports.map(([, path, text]) => [path, text]));
    const { status, errors } = runScript('check-layers.mjs', '--root', makeTree(test, files));
    assert.equal(status, 1);
    for (const [what, path] of wrongImports) {
      assert.ok(errors.some((error) => error.startsWith(`${path}:1: `) && error.includes(' must not import ')), what);
    }
    assert.equal(errors.length, wrongImports.length);
  });

  it('refuses a file in a room that has no row', (test) => {
    const { status, errors } = runScript('check-layers.mjs', '--root', makeTree(test, { 'lib/misc/a.ts': '' }));
    assert.equal(status, 1);
    assert.match(errors.join(), /^lib\/misc\/a\.ts: belongs to no room/);
  });

  it('accepts the arrows of the architecture', (test) => {
    const root = makeTree(test, {
      'lib/native.ts': "import * as native from '../native/index.js';\nexport const { hot } = native;",
      'lib/index.ts': "export { createAuth } from './express/auth.js';\nexport { sign } from './tokens/sign.js';",
      'lib/tokens/sign.ts': "import { hot } from '../native.js';\nimport { KeyturnError } from '../errors.js';",
      'lib/express/auth.ts': "import { readCookie } from '../http/cookies.js';\nimport type { Sessions } from '../sessions/sessions.js';",
      'lib/http/cookies.ts': "import type { IncomingMessage } from 'node:http';",
      'angular/provide.ts': "import { inject } from '@angular/core';\nimport { Session } from '../client/session.js';",
      '__test__/http/cookies.test.ts': "import '../../dist/http/cookies.js';\nimport 'keyturn/express';",
      'examples/quickstart/server.ts': "import express from 'express';\nimport { createAuth } from 'keyturn';",
    });
    assert.deepEqual(runScript('check-layers.mjs', '--root', root), { status: 0, errors: [] });
  });

  const wrongDependencies: readonly (readonly [what: string, crates: Parameters<typeof workspace>[0], error: RegExp])[] = [
    ['core that depends on napi', { core: 'napi = { path = "../../foreign/napi" }' }, /keyturn-core must not depend on napi/],
    [
      'core that depends on napi through another crate',
      { core: 'between = { path = "../../foreign/between" }' },
      /keyturn-core must not depend on napi/,
    ],
    [
      'core that depends on stores',
      { core: 'keyturn-stores = { path = "../stores" }' },
      /keyturn-core must not depend on keyturn-stores/,
    ],
    ['stores that depend on napi', { stores: 'napi = { path = "../../foreign/napi" }' }, /keyturn-stores must not depend on napi/],
    [
      'a binding that names a database',
      { binding: 'rusqlite = { path = "foreign/rusqlite" }' },
      /keyturn must not depend on rusqlite/,
    ],
  ];
  for (const [what, crates, error] of wrongDependencies) {
    it(`refuses ${what}`, (test) => {
      const { status, errors } = runScript('check-layers.mjs', '--root', makeTree(test, workspace(crates)));
      assert.equal(status, 1);
      assert.equal(errors.length, 1);
      assert.match(errors[0] ?? '', error);
    });
  }

  it('accepts a binding that reaches a database through stores', (test) => {
    const crates = {
      binding: 'keyturn-stores = { path = "crates/stores" }\nnapi = { path = "foreign/napi" }',
      stores: 'rusqlite = { path = "../../foreign/rusqlite" }\nkeyturn-core = { path = "../core" }',
    };
    assert.deepEqual(runScript('check-layers.mjs', '--root', makeTree(test, workspace(crates))), { status: 0, errors: [] });
  });

  const wrongRust: readonly (readonly [what: string, path: string, text: string, line: number])[] = [
    ['a file read in core', 'crates/core/src/keys/load.rs', 'fn f() {\n    let _ = std::fs::read("x");\n}\n', 2],
    ['a file read behind a grouped use', 'crates/core/src/grouped.rs', 'use std::{\n    fmt,\n    fs::{self, File},\n};\n', 1],
    ['a socket in core', 'crates/core/src/socket.rs', 'use std::net::TcpStream;\n', 1],
    ['a clock in core', 'crates/core/src/time.rs', 'use std::time::{Duration, SystemTime};\n', 1],
    ['a clock in core by a shorter name', 'crates/core/src/short.rs', 'use std::time;\nfn f() { time::Instant::now(); }\n', 2],
    ['a database in the binding', 'src/sessions.rs', 'use rusqlite::Connection;\n', 1],
    ['unsafe code in the binding', 'src/tokens.rs', 'fn f() { unsafe { g() } }\n', 1],
    ['unsafe code in a test of core', 'crates/core/tests/a.rs', 'unsafe fn f() {}\n', 1],
  ];
  it('refuses each wrong path in Rust', (test) => {
    const files = Object.fromEntries(wrongRust.map(([, path, text]) => [path, text]));
    const { status, errors } = runScript('check-layers.mjs', '--root', makeTree(test, files));
    assert.equal(status, 1);
    for (const [what, path, , line] of wrongRust) {
      assert.ok(errors.some((error) => error.startsWith(`${path}:${line}: `)), what);
    }
    for (const error of errors) assert.ok(wrongRust.some(([, path]) => error.startsWith(`${path}:`)), error);
  });

  it('refuses a crate that does not forbid unsafe code, also if a comment says so', (test) => {
    const root = makeTree(test, { 'crates/core/src/lib.rs': '// #![forbid(unsafe_code)]\n' });
    const { status, errors } = runScript('check-layers.mjs', '--root', root);
    assert.equal(status, 1);
    assert.match(errors.join(), /crates\/core\/src\/lib\.rs: must say/);
  });

  it('accepts forbidden names in comments, strings, tests and in src/hot.rs', (test) => {
    const root = makeTree(test, {
      'crates/core/src/a.rs': [
        '//! No std::fs, no SystemTime, nothing unsafe.',
        "fn f<'a>(s: &'a str) -> &'a str { let _ = ('\"', \"std::net::x \\\" unsafe\"); s }",
        'fn g() -> core::net::IpAddr { /* unsafe */ todo(r#"Instant "unsafe""#) }',
        '#[cfg(test)]',
        'mod tests {',
        '    #[test]',
        '    fn reads() { std::fs::read("x").unwrap(); }',
        '}',
      ].join('\n'),
      'src/hot.rs': 'unsafe fn f() {}\n',
    });
    assert.deepEqual(runScript('check-layers.mjs', '--root', root), { status: 0, errors: [] });
  });
});
