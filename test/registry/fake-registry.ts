// A registry of the test: an HTTP server on loopback that answers as the test wants, and notes what it was asked.
import { createHash } from 'node:crypto';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import type { RepositoryOptions } from '../../src/registry/repository.ts';

export const digestOf = (bytes: Uint8Array): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly host: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
  readonly body: string;
  /** Those that a proxy passes on. */
  readonly headers: Readonly<Record<string, string>>;
}

type Handler = (request: Asked, response: ServerResponse, raw: IncomingMessage, body: Buffer) => void;

export class FakeServer {
  readonly requests: Asked[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(handler: Handler): Promise<FakeServer> {
    const fake = new FakeServer(
      createServer((raw, response) => {
        const pieces: Buffer[] = [];
        raw.on('error', () => undefined);
        raw.on('data', (piece: Buffer) => pieces.push(piece));
        raw.on('end', () => {
          const body = Buffer.concat(pieces);
          const request = {
            method: raw.method ?? '',
            url: raw.url ?? '',
            host: raw.headers.host ?? '',
            authorization: raw.headers.authorization,
            range: raw.headers.range,
            body: body.toString(),
            headers: passedHeaders(raw),
          };
          fake.requests.push(request);
          handler(request, response, raw, body);
        });
      }),
    );
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    return fake;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

function passedHeaders(raw: IncomingMessage): Record<string, string> {
  const names = ['accept', 'content-type', 'content-length', 'content-range'];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = raw.headers[name];
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );
}

export function answer(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body: string | Uint8Array = '',
): void {
  response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers }).end(body);
}

/** Answers a GET of `bytes` as HTTP does: all of them, or a range. */
export function answerBytes(request: Asked, response: ServerResponse, bytes: Uint8Array): void {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.range ?? '') ?? [];
  if (from === undefined) {
    answer(response, 200, {}, bytes);
    return;
  }
  const last = Math.min(Number(to), bytes.length - 1);
  const part = bytes.subarray(Number(from), last + 1);
  answer(response, 206, { 'content-range': `bytes ${from}-${last}/${bytes.length}` }, part);
}

/** No credentials, no configuration of this machine, no long waits. */
export function testOptions(environment: Record<string, string> = {}): RepositoryOptions {
  return {
    environment: {
      PATH: process.env['PATH'],
      HOME: '/nonexistent',
      XDG_RUNTIME_DIR: '/nonexistent',
      CONTAINERS_REGISTRIES_CONF: '/nonexistent',
      ...environment,
    },
    hostsDirectory: '/nonexistent',
    timeouts: { connect: 5_000, answer: 300, body: 300 },
    retries: { attempts: 8, pause: 1, maxPause: 4, maxRetryAfter: 2_000 },
  };
}

export async function readAll(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of bytes) pieces.push(piece);
  return Buffer.concat(pieces);
}
