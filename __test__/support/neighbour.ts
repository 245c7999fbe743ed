import { type ChildProcess, fork } from 'node:child_process';
import cluster from 'node:cluster';
import { once } from 'node:events';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

import type { Answer, Command } from './sessions-process.js';

const PROGRAM = join(__dirname, 'sessions-process.js');

/** Another process with sessions on the same store. Killed when the test ends. */
export class Neighbour {
  readonly #child: Pick<ChildProcess, 'send' | 'once' | 'off'>;

  private constructor(t: TestContext, child: ChildProcess) {
    this.#child = child;
    child.setMaxListeners(0);
    t.after(() => child.kill('SIGKILL'));
  }

  /** @param clockMs How far its clock is ahead. */
  static process(t: TestContext, { store, masterKey = '', clockMs = 0 }: Readonly<{ store: string; masterKey?: string; clockMs?: number }>): Neighbour {
    return new Neighbour(t, fork(PROGRAM, [store, masterKey, String(clockMs)]));
  }

  /** A worker of `node:cluster`, of which this process is the primary. */
  static clusterWorker(t: TestContext, { store, masterKey = '' }: Readonly<{ store: string; masterKey?: string }>): Neighbour {
    cluster.setupPrimary({ exec: PROGRAM, args: [store, masterKey, '0'] });
    return new Neighbour(t, cluster.fork().process);
  }

  /** One command at a time. */
  async ask(command: Command): Promise<Answer> {
    const asked = new AbortController();
    const { signal } = asked;
    const answered = once(this.#child as ChildProcess, 'message', { signal }).then(([answer]) => answer as Answer);
    const ended = once(this.#child as ChildProcess, 'exit', { signal }).then(([code]) => {
      throw new Error(`the other process ended with ${String(code)}`);
    });
    ended.catch(() => undefined);
    answered.catch(() => undefined);
    this.#child.send(command);
    try {
      return await Promise.race([answered, ended]);
    } finally {
      asked.abort();
    }
  }
}
