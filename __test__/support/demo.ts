import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { type SignedIn, signedIn } from './auth-server.js';
import { sanitizer } from './sanitizer.js';
import { TestServer } from './server.js';
import { makeTree } from './tree.js';

const MAIN = join(__dirname, '../../examples/angular-express/server/dist/main.js');

export type Variables = Readonly<Record<string, string>>;

/** How a process ended, and all that it has printed. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The real demo server, as a process of its own. Killed when the test ends. */
export class Demo {
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  #stdout = '';
  #stderr = '';
  #server: TestServer | undefined;

  /** @param prefix What runs the process, for instance a shell that limits it first. */
  constructor(t: TestContext, variables: Variables, prefix: readonly string[] = []) {
    const command = [...prefix, process.execPath, MAIN];
    this.#child = spawn(command[0] ?? '', command.slice(1), {
      env: { ...sanitizer, PATH: process.env['PATH'], PORT: '0', KEYTURN_STORE: 'memory:', ...variables },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.exited = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr });
      });
    });
    t.after(() => this.end('SIGKILL'));
  }

  get stdout(): string {
    return this.#stdout;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Its address. Only once it listens. */
  get server(): TestServer {
    if (this.#server === undefined) throw new Error('the demo does not listen yet');
    return this.#server;
  }

  /** Resolves once it listens. */
  async listening(): Promise<void> {
    const ended = this.exited.then(({ stderr }) => {
      throw new Error(`the demo ended: ${stderr}`);
    });
    const port = await Promise.race([this.#printed(/^Listening on http:\/\/localhost:(\d+)/m), ended]);
    this.#server = new TestServer(Number(port));
  }

  passwordOf(name: string): string {
    return new RegExp(`^${name}: (\\S+)$`, 'm').exec(this.#stdout)?.[1] ?? '';
  }

  logInAs(name: string, headers: Variables = {}): Promise<Response> {
    return this.server.post('/auth/login', { username: name, password: this.passwordOf(name) }, headers);
  }

  async logIn(name = 'alice', headers: Variables = {}): Promise<SignedIn> {
    return signedIn(await this.logInAs(name, headers));
  }

  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<Exit> {
    this.#child.kill(signal);
    return this.exited;
  }

  /** Resolves with what the first group of the pattern matches in the output. */
  #printed(pattern: RegExp): Promise<string> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = pattern.exec(this.#stdout)?.[1];
        if (found === undefined) return;
        this.#child.stdout.off('data', look);
        resolve(found);
      };
      this.#child.stdout.on('data', look);
      look();
    });
  }
}

/** A demo that listens. */
export async function startDemo(t: TestContext, variables: Variables = {}, prefix: readonly string[] = []): Promise<Demo> {
  const demo = new Demo(t, variables, prefix);
  await demo.listening();
  return demo;
}

/** The URL of a store in a folder of its own. */
export function sqliteStore(t: TestContext): string {
  return `sqlite:${join(makeTree(t, {}), 'keyturn.db')}`;
}

/** Waits until the clock shows more than `time`, in Unix milliseconds: what another process times cannot be moved. */
export async function until(time: number): Promise<void> {
  while (Date.now() <= time) await sleep(Math.max(1, time - Date.now() + 1));
}

/** The claims of a token, unchecked. */
export function claimsOf(accessToken: string): { readonly jti: string; readonly exp: number } {
  return JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()) as { jti: string; exp: number };
}
