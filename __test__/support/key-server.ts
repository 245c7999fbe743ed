import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';

import type { Key } from 'keyturn';

import { serve } from './server.js';

/** One answer of a server of keys. */
export interface KeyAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** A server of keys that does what a test tells it. */
export class KeyServer {
  /** What it answers; may be changed at any time. */
  answer: (request: IncomingMessage, response: ServerResponse) => unknown = () => ({ status: 404 });
  /** What it was asked, oldest first. */
  readonly requests: IncomingHttpHeaders[] = [];
  #url = '';
  #gate: Promise<void> | undefined;
  #open: (() => void) | undefined;

  static async start(t: TestContext): Promise<KeyServer> {
    const keys = new KeyServer();
    const { url } = await serve(t, (request, response) => {
      keys.requests.push(request.headers);
      void keys.#respond(request, response);
    });
    keys.#url = `${url}/jwks.json`;
    t.after(() => {
      keys.release();
    });
    return keys;
  }

  get url(): string {
    return this.#url;
  }

  /** Answers with the public halves of these keys, and with these JWKs. */
  publish(keys: readonly Key[], { headers, more = [] }: { readonly headers?: Readonly<Record<string, string>>; readonly more?: readonly unknown[] } = {}): void {
    this.send({ body: JSON.stringify({ keys: [...keys.map((key) => key.publicJwk()), ...more] }), ...(headers === undefined ? {} : { headers }) });
  }

  /** Answers this. */
  send(answer: KeyAnswer): void {
    this.answer = () => answer;
  }

  /** Lets requests wait until `release()`. */
  hold(): void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  release(): void {
    this.#open?.();
    this.#gate = undefined;
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await this.#gate;
    const answer = this.answer(request, response) as KeyAnswer | undefined;
    // An answer of undefined says that it has been given by hand.
    if (answer === undefined) return;
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/jwk-set+json', ...answer.headers });
    response.end(answer.body ?? '');
  }
}
