// One server of an image: finds out how to reach it, authorizes requests, follows redirects without the authorization.
import { untilAborted } from '../vfs/until-aborted.ts';
import { readBounded } from './bounded-body.ts';
import { Authorizer } from './authorizer.ts';
import type { Endpoint } from './endpoints.ts';
import { MAX_ERROR_BODY, RegistryError, answerError, isLasting, networkError } from './failure.ts';
import type { Environment } from './proxies.ts';
import { isLoopback } from './reference.ts';
import { PassingError, type RetryPolicy, isPassing, parseRetryAfter, withRetries } from './retries.ts';
import { DEFAULT_TLS } from './tls-profile.ts';
import type { HttpAnswer, HttpRequest, Transport } from './transport.ts';

const MAX_REDIRECTS = 5;
/** Renewals of a refused token in one request: it may end just when it is sent. */
const MAX_RENEWALS = 2;

export interface ServerOptions {
  readonly transport: Transport;
  readonly environment: Environment;
  readonly retries: RetryPolicy;
  /** The image, as messages name it. */
  readonly shown: string;
}

export interface ServerRequest extends Pick<HttpRequest, 'method' | 'headers' | 'body' | 'signal'> {
  /** After /v2/, or a whole URL that the server gave. */
  readonly path: string | URL;
  readonly scopes: readonly string[];
}

/** An answer, and the URL that gave it. */
export interface ServerAnswer extends HttpAnswer {
  readonly url: URL;
}

export class Server {
  readonly endpoint: Endpoint;
  readonly #options: ServerOptions;
  readonly #authorizer: Authorizer;
  #base: Promise<URL> | undefined;

  constructor(endpoint: Endpoint, options: ServerOptions) {
    this.endpoint = endpoint;
    this.#options = options;
    const { host, name, tls } = endpoint;
    this.#authorizer = new Authorizer({ ...options, host, name, tls, where: this.where });
  }

  /** The image and this server, for messages. */
  get where(): string {
    const { shown } = this.#options;
    return this.endpoint.isMirror ? `${shown}: mirror ${this.endpoint.host}` : shown;
  }

  /**
   * The answer to one request, with its redirects. Rejects with PassingError for failures that may pass, RegistryError for
   * a refusal of authorization. Other answers of any status are the caller's.
   */
  async send(request: ServerRequest): Promise<ServerAnswer> {
    const { signal, body } = request;
    const base = await this.#connect(signal);
    let url = typeof request.path === 'string' ? this.#urlOf(base, request.path) : request.path;
    for (let redirects = 0; ; redirects++) {
      const answer = isSameOrigin(url, base)
        ? await this.#sendAuthorized(url, request)
        : await this.#sendOnce(url, request, undefined);
      const location = answer.header('location');
      if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined)
        return { ...answer, url };
      await answer.discard();
      if (isStream(body)) throw this.#refusal('found a redirect of an upload');
      if (redirects >= MAX_REDIRECTS) throw this.#refusal(`found more than ${MAX_REDIRECTS} redirects`);
      url = this.follow(url, location);
    }
  }

  /** Like `send`, without authorization and redirects: for a place that a redirect gave. */
  sendPlain(url: URL, request: Omit<ServerRequest, 'path' | 'scopes'>): Promise<HttpAnswer> {
    return this.#sendOnce(url, request, undefined);
  }

  /** True if `url` is of this server itself, which gets the authorization. */
  async owns(url: URL): Promise<boolean> {
    return isSameOrigin(url, await this.#connect(undefined));
  }

  /**
   * The URL that `location` means, in an answer of `url`. Throws RegistryError if it may not be followed: a server must not
   * choose what is asked of this machine.
   */
  follow(url: URL, location: string): URL {
    if (!URL.canParse(location, url.href)) throw this.#refusal('found a redirect to no URL');
    const next = new URL(location, url);
    if (!/^https?:$/.test(next.protocol)) throw this.#refusal(`found a redirect to ${next.protocol}`);
    if (url.protocol === 'https:' && next.protocol === 'http:') {
      throw this.#refusal(`found a redirect from HTTPS to plain HTTP, to ${next.host}`);
    }
    if (isLoopback(next.hostname) && !isLoopback(url.hostname)) {
      throw this.#refusal(`found a redirect to this machine itself, ${next.host}`);
    }
    next.username = '';
    next.password = '';
    next.hash = '';
    return next;
  }

  #refusal(reason: string): RegistryError {
    return new RegistryError(`${this.where}: ${reason}`, 0);
  }

  #urlOf(base: URL, path: string): URL {
    const url = new URL(path, base);
    const { query } = this.endpoint;
    if (query !== undefined) url.search = url.search === '' ? query : `${url.search}&${query}`;
    return url;
  }

  /** Pings the server once, for all who ask: whether it speaks TLS, and how it wants to be authorized. */
  #connect(signal: AbortSignal | undefined): Promise<URL> {
    if (this.#base === undefined) {
      const base = withRetries(this.#options.retries, undefined, () => this.#ping());
      this.#base = base;
      base.catch(() => (this.#base = undefined)); // another attempt may succeed
    }
    return untilAborted(this.#base, signal);
  }

  async #ping(): Promise<URL> {
    const { bases } = this.endpoint;
    for (const [i, base] of bases.entries()) {
      try {
        const answer = await this.#sendOnce(base, { method: 'GET' }, undefined);
        if (answer.status === 401) this.#authorizer.learn(answer.header('www-authenticate'), base);
        await answer.discard();
        // What a server that speaks TLS answers to plain HTTP; the attempt with TLS had failed for another reason.
        if (i > 0 && answer.status === 400) throw new PassingError(this.#refusal('does not answer'));
        return base;
      } catch (error) {
        // Plain HTTP where TLS is not spoken at all: nothing that an attacker on the way gains credentials by.
        if (!(error instanceof PassingError)) throw error;
        const isLast = i === bases.length - 1;
        if (!isLast && mayLackTls(error.failure.cause)) continue;
        // A registry that restarts is waited for in the middle of a transfer, not at its beginning.
        throw isUnreachable(error.failure.cause) ? error.failure : error;
      }
    }
    throw this.#refusal('has no address');
  }

  async #sendAuthorized(url: URL, request: Omit<ServerRequest, 'path'>): Promise<HttpAnswer> {
    const { signal, scopes, body } = request;
    for (let renewals = 0; ; renewals++) {
      const header = await this.#authorizer.header(scopes, signal);
      const answer = await this.#sendOnce(url, request, header);
      if (answer.status !== 401) return answer;
      this.#authorizer.learn(answer.header('www-authenticate'), url);
      await answer.discard();
      const isRenewable = header === undefined || this.#authorizer.refuse(scopes, header);
      if (!isRenewable || renewals >= MAX_RENEWALS) {
        throw new RegistryError(`${this.where}: ${await this.#authorizer.advice(signal)}`, 401);
      }
      // A stream has been read: its sender begins anew.
      if (isStream(body)) throw new PassingError(this.#refusal('the authorization ended'));
    }
  }

  async #sendOnce(
    url: URL,
    { method, headers, body, signal }: Omit<ServerRequest, 'path' | 'scopes'>,
    authorization: string | undefined,
  ): Promise<HttpAnswer> {
    const isOwn = this.endpoint.bases.some((base) => base.host === url.host);
    let answer: HttpAnswer;
    try {
      answer = await this.#options.transport.send({
        ...{ method, url, signal, tls: isOwn ? this.endpoint.tls : DEFAULT_TLS },
        headers: { ...headers, ...(authorization === undefined ? {} : { authorization }) },
        ...(body === undefined ? {} : { body }),
      });
    } catch (error) {
      signal?.throwIfAborted();
      const failure = networkError(this.#named(url), error);
      throw isLasting(error) ? failure : new PassingError(failure);
    }
    if (!isPassing(answer.status)) return answer;
    const after = parseRetryAfter(answer.header('retry-after'), Date.now());
    throw new PassingError(await this.failure(answer, this.#named(url)), after);
  }

  #named(url: URL): string {
    return this.endpoint.bases.some((base) => base.host === url.host)
      ? this.where
      : `${this.where}: ${url.host}`;
  }

  /** The error for an answer that is not what was asked for; its body is read. */
  async failure(answer: HttpAnswer, where = this.where): Promise<RegistryError> {
    const body = await readBounded(answer.body, MAX_ERROR_BODY).catch(() => undefined); // the connection broke
    return answerError(where, answer.status, body ?? Buffer.alloc(0));
  }
}

function isStream(body: HttpRequest['body']): boolean {
  return body !== undefined && typeof body !== 'string' && !ArrayBuffer.isView(body);
}

function isSameOrigin(a: URL, b: URL): boolean {
  return a.protocol === b.protocol && a.host === b.host;
}

const UNREACHABLE = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT']);

/** No connection could be made. */
function isUnreachable(error: unknown): boolean {
  const { code = '' } = (error ?? {}) as { code?: string };
  return UNREACHABLE.has(code);
}

const NO_TLS = new Set([
  ...['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG'],
  ...['ECONNREFUSED', 'ECONNRESET', 'UND_ERR_SOCKET'],
]);

/** The other side may speak something else than TLS, or TLS is on another port. */
function mayLackTls(error: unknown): boolean {
  const { code = '' } = (error ?? {}) as { code?: string };
  return NO_TLS.has(code);
}
