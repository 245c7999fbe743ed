import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { makeTree } from './tree.js';

const MODULE = join(__dirname, 'requirements.js');

/** Asks for the vectors in a process of its own and returns what it answered, or the error that it died of. */
function askForVectors(environment: Readonly<Record<string, string>>) {
  const program = `console.log(JSON.stringify(require(${JSON.stringify(MODULE)}).requirement('vectors')))`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8', env: environment });
  return { status, answer: stdout.trim(), error: stderr };
}

describe('requirement', () => {
  it('gives the path of what is here', (test) => {
    const folder = makeTree(test, { 'vectors/a.json': '{}' });
    const path = join(folder, 'vectors');
    const { answer } = askForVectors({ KEYTURN_VECTORS: path, KEYTURN_REQUIRE_ALL: '1' });
    assert.deepEqual(JSON.parse(answer), { path, skip: false });
  });

  it('skips what is missing, says why, and notes it for the end of the run', (test) => {
    const folder = makeTree(test, { 'skipped.log': '' });
    const log = join(folder, 'skipped.log');
    const { answer } = askForVectors({ KEYTURN_VECTORS: join(folder, 'none'), KEYTURN_SKIP_LOG: log });
    assert.match(answer, /"path":"","skip":"needs vectors: set KEYTURN_VECTORS /);
    assert.match(readFileSync(log, 'utf8'), /^vectors: set KEYTURN_VECTORS .*\n$/);
  });

  it('fails over what is missing if everything is required', (test) => {
    const missing = join(makeTree(test, {}), 'none');
    const { status, error } = askForVectors({ KEYTURN_VECTORS: missing, KEYTURN_REQUIRE_ALL: '1' });
    assert.equal(status, 1);
    assert.match(error, /vectors is missing: set KEYTURN_VECTORS/);
  });
});
