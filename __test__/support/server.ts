import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { TestContext } from 'node:test';

/** A server on a free port of the loopback interface, closed when the test ends. */
export async function serve(t: TestContext, listener: RequestListener): Promise<TestServer> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return new TestServer((server.address() as AddressInfo).port);
}

export class TestServer {
  readonly port: number;
  readonly url: string;

  constructor(port: number) {
    this.port = port;
    this.url = `http://127.0.0.1:${String(port)}`;
  }

  post(path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    return fetch(this.url + path, {
      method: 'POST',
      headers: { ...type, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return fetch(this.url + path, { headers });
  }

  /** Sends bytes as they are and resolves with everything that came back until the server closed. */
  raw(lines: readonly string[], body: string | Buffer = ''): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, '127.0.0.1');
      let answer = '';
      socket.setEncoding('latin1');
      socket.on('data', (chunk: string) => {
        answer += chunk;
      });
      socket.on('close', () => {
        resolve(answer);
      });
      socket.on('error', reject);
      const head = [...lines, 'Connection: close', '', ''].join('\r\n');
      socket.write(head, 'latin1');
      socket.write(body);
    });
  }
}

/** The body of an error answer. */
export interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string; readonly reason?: string };
}

export async function codeOf(response: Response): Promise<string> {
  return ((await response.json()) as ErrorBody).error.code;
}

/** The cookies that an answer sets, by name: the value, and the attributes as written. */
export function cookiesOf(response: Response): ReadonlyMap<string, { readonly value: string; readonly attributes: readonly string[] }> {
  return new Map(
    response.headers.getSetCookie().map((text) => {
      const [pair = '', ...attributes] = text.split('; ');
      const equals = pair.indexOf('=');
      return [pair.slice(0, equals), { value: pair.slice(equals + 1), attributes }];
    }),
  );
}
