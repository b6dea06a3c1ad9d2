// One HTTP request over undici: pools with keep-alive, time-outs, TLS with own CAs, proxies. It follows no redirect and
// repeats nothing.
import type { Readable } from 'node:stream';
import { Agent, type Dispatcher, ProxyAgent, request } from 'undici';
import { type Environment, proxyFor } from './proxies.ts';
import { DEFAULT_TLS, type TlsProfile } from './tls-profile.ts';
import { systemCertificates } from './certificates.ts';

/** Milliseconds. Each bounds a wait without any byte, so that a transfer may take as long as it goes on. */
export interface Timeouts {
  readonly connect: number;
  readonly answer: number;
  readonly body: number;
}

export const DEFAULT_TIMEOUTS: Timeouts = { connect: 15_000, answer: 60_000, body: 30_000 };

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | Readable | string;
  readonly tls?: TlsProfile;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  /** Undefined for one that is missing, the first of several. */
  header(name: string): string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the answer. Short rests are read, so that the connection can be used again. */
  discard(): Promise<void>;
}

/** What undici passes on to node:tls. */
interface TlsOptions {
  readonly ca: string[];
  readonly cert?: string;
  readonly key?: string;
  readonly rejectUnauthorized?: false;
}

const REST_TO_READ = 64 << 10;
const CONNECTIONS = 8;

export class Transport {
  readonly #environment: Environment;
  readonly #timeouts: Timeouts;
  readonly #agents = new Map<string, Dispatcher>();

  constructor(environment: Environment, timeouts: Timeouts) {
    this.#environment = environment;
    this.#timeouts = timeouts;
  }

  /** Rejects with the errors of undici, of node:net and node:tls, and with the reason of the signal. */
  async send({
    method,
    url,
    headers = {},
    body,
    tls = DEFAULT_TLS,
    signal,
  }: HttpRequest): Promise<HttpAnswer> {
    signal?.throwIfAborted();
    const answer = await request(url, {
      method,
      // Ranges and digests are of the bytes as stored.
      headers: { 'user-agent': 'stratafs', 'accept-encoding': 'identity', ...headers },
      body: body ?? null,
      dispatcher: this.#agent(url, tls),
      headersTimeout: this.#timeouts.answer,
      bodyTimeout: this.#timeouts.body,
      signal: signal ?? null,
    });
    // An error after the last byte that somebody reads is nobody's.
    answer.body.on('error', () => undefined);
    return {
      status: answer.statusCode,
      header: (name) => {
        const value = answer.headers[name];
        return Array.isArray(value) ? value[0] : value;
      },
      body: answer.body as AsyncIterable<Uint8Array>,
      discard: async () => {
        await answer.body.dump({ limit: REST_TO_READ }).catch(() => undefined); // the connection is gone
      },
    };
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.destroy()));
    this.#agents.clear();
  }

  #agent(url: URL, tls: TlsProfile): Dispatcher {
    const proxy = proxyFor(url, this.#environment);
    const key = JSON.stringify([proxy, tls, url.protocol]);
    let agent = this.#agents.get(key);
    if (agent === undefined) {
      const connect = {
        ...(url.protocol === 'https:' ? this.#tlsOptions(tls) : {}),
        timeout: this.#timeouts.connect,
      };
      agent =
        proxy === undefined
          ? new Agent({ connect, connections: CONNECTIONS })
          : new ProxyAgent({
              uri: proxy,
              requestTls: connect,
              proxyTls: { ca: systemCertificates(this.#environment), timeout: this.#timeouts.connect },
              proxyTunnel: url.protocol === 'https:',
              connections: CONNECTIONS,
            });
      this.#agents.set(key, agent);
    }
    return agent;
  }

  #tlsOptions({ ca, certificate, key, isUnverified }: TlsProfile): TlsOptions {
    return {
      ca: [...systemCertificates(this.#environment), ...ca],
      ...(certificate === undefined ? {} : { cert: certificate }),
      ...(key === undefined ? {} : { key }),
      ...(isUnverified ? { rejectUnauthorized: false } : {}),
    };
  }
}
