import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { LONG } from '../support/requirements.js';

const PROGRAM = join(__dirname, 'program.js');

/** What goes wrong at the end of a process goes wrong once in many times. */
const ROUNDS = LONG ? 200 : 5;

interface End {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(mode: string): End {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, mode], { encoding: 'utf8', timeout: 120_000 });
  return { status, signal, stdout: stdout.trim(), stderr: stderr.trim() };
}

describe('a process with work under way on the pool', () => {
  const ends: Readonly<Record<string, { readonly name: string; readonly end: Partial<End> }>> = {
    natural: { name: 'ends by itself when all of it is answered', end: { status: 0, stdout: 'settled 202 of 202', stderr: '' } },
    exit: { name: 'ends cleanly with process.exit()', end: { status: 0, stdout: '', stderr: '' } },
    'exit-at-once': { name: 'ends cleanly with process.exit() in the same turn', end: { status: 0, stdout: '', stderr: '' } },
    signal: { name: 'ends cleanly in the handler of a signal', end: { status: 0, stdout: '', stderr: '' } },
    uncaught: { name: 'ends as Node ends it after an exception that nobody catches', end: { status: 1, stdout: '' } },
    'uncaught-behind-an-answer': { name: 'ends so also if the exception is thrown behind an answer', end: { status: 1, stdout: '' } },
    caught: { name: 'goes on after an exception that somebody catches', end: { status: 0, stdout: 'caught\nsettled 202 of 202', stderr: '' } },
  };
  for (const [mode, { name, end }] of Object.entries(ends)) {
    it(name, () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const found = run(mode);
        assert.deepEqual({ ...found, stderr: end.stderr ?? found.stderr }, { ...found, signal: null, ...end });
        assert.equal(found.stderr, end.stderr ?? found.stderr);
        if (end.stderr === undefined) assert.match(found.stderr, /^.*\n.*\n.*\n\nError: nobody catches this\n/);
      }
    });
  }
});
