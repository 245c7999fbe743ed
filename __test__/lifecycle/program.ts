/**
 * A program for the tests of how a process ends while work is under way on the addon's threads:
 *
 *     node program.js MODE
 *
 * It starts more than the threads can have done by then, and does what MODE says.
 */
import { createSigner, createVerifier, generateKey, hashPassword, verifyPassword } from 'keyturn';

import { SLOW } from '../support/slow.js';

const SIGNATURES = 200;

const key = generateKey(SLOW);
const [sign, verify] = [createSigner({ key }), createVerifier({ key })];
let settled = 0;

/** Promises of both lanes and of the inline face. */
function startWork(): void {
  const tokens = Array.from({ length: SIGNATURES }, async (_, n) => {
    if ((await verify.async(await sign.async({ n })))['n'] !== n) throw new Error('a token came back as another');
    settled += 1;
  });
  const passwords = [hashPassword('correct horse'), verifyPassword(null, 'correct horse')].map(async (answer) => {
    await answer;
    settled += 1;
  });
  void Promise.all([...tokens, ...passwords]);
}

const MODES: Readonly<Record<string, () => void>> = {
  /** Ends by itself, when all is settled. */
  natural() {
    startWork();
    process.on('exit', () => console.log(`settled ${settled} of ${SIGNATURES + 2}`));
  },

  exit() {
    startWork();
    setTimeout(() => process.exit(0), Math.random() * 30);
  },

  'exit-at-once'() {
    startWork();
    process.exit(0);
  },

  uncaught() {
    startWork();
    setTimeout(() => {
      throw new Error('nobody catches this');
    }, Math.random() * 30);
  },

  /** In code that goes on after an answer. */
  'uncaught-behind-an-answer'() {
    startWork();
    void sign.async({}).then(() => {
      throw new Error('nobody catches this');
    });
  },

  caught() {
    startWork();
    setTimeout(() => {
      throw new Error('somebody catches this');
    });
    process.on('uncaughtException', () => console.log('caught'));
    process.on('exit', () => console.log(`settled ${settled} of ${SIGNATURES + 2}`));
  },

  /** A signal with a handler of the application's own. */
  signal() {
    process.on('SIGTERM', () => process.exit(0));
    startWork();
    setTimeout(() => process.kill(process.pid, 'SIGTERM'), Math.random() * 30);
  },
};

MODES[process.argv[2] ?? '']?.();
