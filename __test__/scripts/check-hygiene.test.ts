import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { runScript } from '../support/script.js';
import { makeTree } from '../support/tree.js';

/** Joined here, so that the check does not find them in this file. */
const NOTE = ['TO', 'DO'].join('');
const UNTYPED = ['const x', 'any = 1;'].join(': ');
const NARROWED = ['test.', 'only("a", () => {});'].join('');
const SKIPPED = ['test.', 'skip("a", () => {});'].join('');

describe('check-hygiene', () => {
  const wrong: readonly (readonly [what: string, path: string, text: string])[] = [
    ['a letter beyond ASCII', 'docs/design.md', 'a dash \u2013 here\n'],
    ['a byte order mark', 'lib/a.ts', '\ufeffexport {};\n'],
    ['a note to oneself', 'src/a.rs', `// ${NOTE}: later\n`],
    ['an untyped value', 'lib/a.ts', `${UNTYPED}\n`],
    ['a test that leaves the others out', '__test__/a.test.ts', `${NARROWED}\n`],
    ['a test skipped without a reason', '__test__/a.test.ts', `${SKIPPED}\n`],
    ['a Rust test ignored without a reason', 'crates/core/tests/a.rs', '#[test]\n#[ignore]\nfn f() {}\n'],
    ['unfinished Rust', 'crates/core/src/a.rs', 'fn f() { unimplemented!() }\n'],
    ['a panic in a library', 'crates/core/src/a.rs', 'fn f(x: Option<u8>) -> u8 { x.unwrap() }\n'],
    ['a panic behind a test module', 'src/a.rs', '#[cfg(test)]\nmod tests { fn g() {} }\nfn f() { x.expect("y"); }\n'],
    ['a TypeScript file of 451 lines', 'lib/a.ts', 'export {};\n'.repeat(451)],
    ['a Rust file of 601 lines', 'src/a.rs', 'fn f() {}\n'.repeat(601)],
  ];
  for (const [what, path, text] of wrong) {
    it(`refuses ${what}`, (test) => {
      const { status, errors } = runScript('check-hygiene.mjs', '--root', makeTree(test, { [path]: text }));
      assert.equal(status, 1);
      assert.equal(errors.length, 1);
      assert.ok(errors[0]?.startsWith(`${path}:`), errors[0]);
    });
  }

  it('only warns of a file that grows long', (test) => {
    const root = makeTree(test, { 'lib/a.ts': 'export {};\n'.repeat(301), 'src/a.rs': 'fn f() {}\n'.repeat(401) });
    const { status, errors } = runScript('check-hygiene.mjs', '--root', root);
    assert.equal(status, 0);
    assert.equal(errors.length, 2);
  });

  it('does not count inline tests, and lets them panic', (test) => {
    const tests = `#[cfg(test)]\nmod tests {\n${'    fn g() { x.unwrap(); }\n'.repeat(600)}}\n`;
    const root = makeTree(test, { 'src/a.rs': `fn f() {}\n${tests}` });
    assert.deepEqual(runScript('check-hygiene.mjs', '--root', root), { status: 0, errors: [] });
  });

  it('leaves alone what is generated, built or installed', (test) => {
    const text = `// ${NOTE}\n`;
    const root = makeTree(test, { 'native/index.js': text, 'dist/a.js': text, 'node_modules/a/a.js': text, 'target/a.rs': text });
    assert.deepEqual(runScript('check-hygiene.mjs', '--root', root), { status: 0, errors: [] });
  });
});
