// A proxy before a registry of the test that breaks transfers, and counts the bytes of blobs that it passes on.
import { type ServerResponse, request as httpRequest } from 'node:http';
import { type Asked, FakeServer, answer } from '../registry/fake-registry.ts';

/** A number: that status in place of the answer. 'silent': no answer. */
export type Fault = 'none' | 'reset' | 'cut' | 'stall' | 'lie' | 'whole' | 'silent' | number;

export class BreakingProxy {
  readonly requests: Asked[];
  readonly host: string;
  /** Of the answers to requests for blobs. */
  blobBytes = 0;
  nextFault: (request: Asked) => Fault = () => 'none';
  /** The body of an answer that the proxy gives itself; undefined: it asks the registry. */
  ownAnswer: (request: Asked) => { readonly type: string; readonly body: Buffer } | undefined = () =>
    undefined;
  readonly #server: FakeServer;

  private constructor(server: FakeServer) {
    this.#server = server;
    this.requests = server.requests;
    this.host = server.host;
  }

  /** Before the registry at `target` (`host:port`). */
  static async start(target: string): Promise<BreakingProxy> {
    const forward = (request: Asked, response: ServerResponse, body: Buffer): void =>
      proxy.#forward(target, request, response, body);
    const server = await FakeServer.start((request, response, _, body) => forward(request, response, body));
    const proxy = new BreakingProxy(server);
    return proxy;
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  /** Passes a request on, with the fault. Uploads are cut on their way here, by the length of what is read. */
  #forward(target: string, request: Asked, response: ServerResponse, body: Buffer): void {
    const own = this.ownAnswer(request);
    if (own !== undefined) {
      answer(response, 200, { 'content-type': own.type }, own.body);
      return;
    }
    const fault = request.url === '/v2/' ? 'none' : this.nextFault(request);
    if (fault === 'reset') {
      response.socket?.destroy();
      return;
    }
    if (fault === 'silent') return;
    if (typeof fault === 'number') {
      answer(response, fault, { 'retry-after': '0' });
      return;
    }
    const headers = { ...(request.range === undefined || fault === 'whole' ? {} : { range: request.range }) };
    const [host, port] = target.split(':');
    const passed = httpRequest(
      {
        host,
        port,
        method: request.method,
        path: request.url,
        headers: { ...headers, ...request.headers, host: request.host },
      },
      (from) => {
        response.writeHead(from.statusCode ?? 500, from.headers);
        let sent = 0;
        from.on('data', (piece: Buffer) => {
          const bytes = Buffer.from(piece);
          if (fault === 'lie' && sent === 0 && bytes.length > 0)
            bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
          sent += bytes.length;
          if (request.url.includes('/blobs/')) this.blobBytes += bytes.length;
          if (fault === 'stall' && sent > 100_000) return;
          response.write(bytes, () => {
            if (fault === 'cut' && sent > 300_000) response.socket?.destroy();
          });
        });
        from.on('end', () => {
          if (fault !== 'stall') response.end();
        });
      },
    );
    passed.on('error', () => response.socket?.destroy());
    passed.end(body);
  }
}
