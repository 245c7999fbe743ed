import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';

import { run } from '../../dist/cli/commands.js';
import { keyturn, PROGRAM } from '../support/command-line.js';
import { projectText } from '../support/documents.js';

describe('the command line', () => {
  it('is a program that npm can install', () => {
    accessSync(PROGRAM);
    assert.match(readFileSync(PROGRAM, 'utf8'), /^#!\/usr\/bin\/env node\n/);
  });

  it('explains itself and its commands', async () => {
    for (const args of [['--help'], ['-h'], ['help']]) {
      const { code, stdout, stderr } = await keyturn(args);
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, /Usage: keyturn COMMAND/);
      assert.match(stdout, /^ {2}doctor /m);
    }
    const doctor = await keyturn(['doctor', '--help']);
    assert.deepEqual([doctor.code, doctor.stderr], [0, '']);
    assert.match(doctor.stdout, /Usage: keyturn doctor/);
  });

  it('says its version', async () => {
    const { version } = JSON.parse(projectText('package.json')) as { readonly version: string };
    assert.deepEqual(await keyturn(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('refuses with 2 and a line on stderr what it does not understand', async () => {
    const refused: readonly (readonly [args: readonly string[], message: RegExp])[] = [
      [['docter'], /there is no command 'docter'; did you mean 'doctor'\?/],
      [['toString'], /there is no command 'toString'; there is doctor/],
      [['doctor'], /doctor takes the file to check/],
      [['doctor', ''], /doctor takes the file to check/],
      [['doctor', 'a', 'b'], /one file at a time/],
      [['doctor', '--jsn', 'a'], /Unknown option '--jsn'/],
    ];
    for (const [args, message] of refused) {
      const { code, stdout, stderr } = await keyturn(args);
      assert.deepEqual([code, stdout], [2, ''], args.join(' '));
      assert.match(stderr, message);
      assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
    }
  });

  it('shows its help on stderr, with 2, if nothing is asked', async () => {
    const { code, stdout, stderr } = await keyturn([]);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /Usage: keyturn COMMAND/);
  });

  it('does not mind if nobody reads to the end', async () => {
    const child = spawn(process.execPath, [PROGRAM, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    const [complaint] = await Promise.all([text(child.stderr), once(child, 'close')]);
    assert.deepEqual([child.exitCode, complaint], [0, '']);
  });

  it('sends no control character to the terminal', async () => {
    let shown = '';
    const terminal = { out: () => undefined, error: (line: string) => void (shown += line), environment: {} };
    assert.equal(await run(['\u001b[2J\u202e'], terminal), 2);
    assert.match(shown, /^keyturn: there is no command '\?\[2J\?'/);
  });
});
