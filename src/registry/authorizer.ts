// Authorization for one server: Basic, or Bearer with a token for each scope (distribution specification, "token
// authentication"). A token is asked for once, however many requests wait for it.
//
// Credentials go over HTTPS or to this machine alone: to the registry itself, or to the realm that it names over such a
// connection. Only a registry on this machine may name a realm on this machine.
import { InputError } from '../vfs/input-error.ts';
import { showText } from '../vfs/show-text.ts';
import { parseObject } from '../vfs/json-object.ts';
import { untilAborted } from '../vfs/until-aborted.ts';
import { readBounded } from './bounded-body.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { type Credentials, findCredentials } from './credentials.ts';
import { MAX_ERROR_BODY, RegistryError, answerError, isLasting, networkError } from './failure.ts';
import type { Environment } from './proxies.ts';
import { isLoopback } from './reference.ts';
import { PassingError, type RetryPolicy, isPassing, parseRetryAfter, withRetries } from './retries.ts';
import { DEFAULT_TLS, type TlsProfile } from './tls-profile.ts';
import type { Transport } from './transport.ts';

const MAX_TOKEN_ANSWER = 1 << 20;
/** By the specification, if the server does not say. */
const DEFAULT_LIFE_SECONDS = 60;
/** A token is renewed this long before its end. */
const MARGIN_MS = 5_000;

export interface AuthorizerOptions {
  readonly transport: Transport;
  readonly environment: Environment;
  readonly retries: RetryPolicy;
  /** Of the server, for a realm on the same host. */
  readonly tls: TlsProfile;
  /** Credentials are found by these. */
  readonly host: string;
  readonly name: string;
  /** In messages. */
  readonly where: string;
}

interface Token {
  readonly header: string;
  readonly expires: number;
}

/** True for a connection that nobody else can read or answer. */
export function isPrivate(url: URL): boolean {
  return url.protocol === 'https:' || isLoopback(url.hostname);
}

export class Authorizer {
  readonly #options: AuthorizerOptions;
  readonly #tokens = new Map<string, Token>();
  readonly #pending = new Map<string, Promise<Token>>();
  #credentials: Promise<Credentials | undefined> | undefined;
  #challenge: Challenge | undefined;
  /** The server that gave the challenge. */
  #server: URL | undefined;

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  /** Takes the WWW-Authenticate header of an answer of `server`. */
  learn(header: string | undefined, server: URL): void {
    const challenges = parseChallenges(header ?? '');
    const supported =
      challenges.find(({ scheme }) => scheme === 'bearer') ??
      challenges.find(({ scheme }) => scheme === 'basic');
    if (supported === undefined) return;
    this.#challenge = supported;
    this.#server = server;
  }

  /** The header for a request; undefined if the server has asked for none. Throws InputError if none can be had. */
  async header(scopes: readonly string[], signal: AbortSignal | undefined): Promise<string | undefined> {
    if (this.#challenge === undefined) return undefined;
    const key = scopes.join(' ');
    const token = this.#tokens.get(key);
    if (token !== undefined && token.expires > Date.now()) return token.header;
    let pending = this.#pending.get(key);
    if (pending === undefined) {
      pending = this.#obtain(this.#challenge, scopes);
      this.#pending.set(key, pending);
      const done = (): boolean => this.#pending.delete(key);
      pending.then((fresh) => this.#tokens.set(key, fresh)).then(done, done);
    }
    return (await untilAborted(pending, signal)).header;
  }

  /** Forgets `header`, which the server refused, unless it was renewed since. False if a new one would be the same. */
  refuse(scopes: readonly string[], header: string): boolean {
    const key = scopes.join(' ');
    const token = this.#tokens.get(key);
    if (token?.header !== header) return true;
    if (token.expires === Infinity) return false;
    this.#tokens.delete(key);
    return true;
  }

  /** What to do about a refusal, for messages. */
  async advice(signal: AbortSignal | undefined): Promise<string> {
    const { host } = this.#options;
    const credentials = await untilAborted(this.#find(), signal);
    const login = `\`podman login ${host}\` or \`docker login ${host}\``;
    if (credentials === undefined) return `there are no credentials for ${host}: log in by ${login}`;
    if (this.#server !== undefined && !isPrivate(this.#server)) {
      return `the credentials for ${host} are not sent over plain HTTP`;
    }
    return `the credentials in ${showText(credentials.origin)} do not allow it; log in again by ${login}`;
  }

  #find(): Promise<Credentials | undefined> {
    const { host, name, environment } = this.#options;
    this.#credentials ??= findCredentials(host, name, environment);
    return this.#credentials;
  }

  /** For all who wait for it: an abort of one of them doesn't end it. */
  async #obtain(challenge: Challenge, scopes: readonly string[]): Promise<Token> {
    const server = this.#server;
    const credentials = server !== undefined && isPrivate(server) ? await this.#find() : undefined;
    if (credentials?.kind === 'registry') return { header: bearer(credentials.token), expires: Infinity };
    if (challenge.scheme === 'bearer') return this.#obtainToken(challenge, scopes, credentials);
    if (credentials?.kind !== 'password') {
      throw new RegistryError(`${this.#options.where}: ${await this.advice(undefined)}`, 401);
    }
    return { header: basic(credentials.user, credentials.password), expires: Infinity };
  }

  #obtainToken(
    { parameters }: Challenge,
    scopes: readonly string[],
    credentials: Credentials | undefined,
  ): Promise<Token> {
    const realm = parameters.get('realm') ?? '';
    const { where, retries } = this.#options;
    const url = URL.canParse(realm) ? new URL(realm) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '') {
      throw new RegistryError(
        `${where}: found the token server ${showText(JSON.stringify(realm))}, expected a URL`,
        0,
      );
    }
    if (isLoopback(url.hostname) && !isLoopback(this.#server?.hostname ?? '')) {
      throw new RegistryError(`${where}: found a token server on this machine itself, ${url.host}`, 0);
    }
    const allowed = this.#mayKnow(url) ? credentials : undefined;
    const challenged = parameters.get('scope')?.split(' ') ?? [];
    const wanted = [...new Set([...scopes, ...challenged])];
    const query = { service: parameters.get('service') ?? '', scopes: wanted.filter((each) => each !== '') };
    return withRetries(retries, undefined, () => this.#askOnce(url, query, allowed));
  }

  /** True if the token server `realm` may get credentials. */
  #mayKnow(realm: URL): boolean {
    return this.#server !== undefined && isPrivate(this.#server) && isPrivate(realm);
  }

  async #askOnce(
    realm: URL,
    { service, scopes }: { readonly service: string; readonly scopes: readonly string[] },
    credentials: Credentials | undefined,
  ): Promise<Token> {
    const where = `${this.#options.where}: the token server ${realm.host}`;
    const started = Date.now();
    const url = new URL(realm);
    const form = new URLSearchParams();
    const isRefresh = credentials?.kind === 'identity';
    const parameters = isRefresh ? form : url.searchParams;
    if (service !== '') parameters.set('service', service);
    if (isRefresh) {
      form.set('grant_type', 'refresh_token');
      form.set('refresh_token', credentials.token);
      form.set('client_id', 'stratafs');
      form.set('scope', scopes.join(' '));
    } else for (const scope of scopes) parameters.append('scope', scope);
    if (credentials?.kind === 'password') url.searchParams.set('account', credentials.user);
    const tls = realm.host === this.#server?.host ? this.#options.tls : DEFAULT_TLS;
    let status: number;
    let bytes: Buffer | undefined;
    try {
      const answer = await this.#options.transport.send({
        ...{ url, tls, method: isRefresh ? 'POST' : 'GET' },
        headers: {
          ...(credentials?.kind === 'password'
            ? { authorization: basic(credentials.user, credentials.password) }
            : {}),
          ...(isRefresh ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
        },
        ...(isRefresh ? { body: form.toString() } : {}),
      });
      status = answer.status;
      if (isPassing(status)) {
        const after = parseRetryAfter(answer.header('retry-after'), started);
        throw new PassingError(
          answerError(where, status, (await readBounded(answer.body, MAX_ERROR_BODY)) ?? Buffer.alloc(0)),
          after,
        );
      }
      bytes = await readBounded(answer.body, MAX_TOKEN_ANSWER);
    } catch (error) {
      if (error instanceof PassingError || error instanceof InputError) throw error;
      const failure = networkError(where, error);
      throw isLasting(error) ? failure : new PassingError(failure);
    }
    if (status === 401 || status === 403) {
      throw new RegistryError(`${this.#options.where}: ${await this.advice(undefined)}`, status);
    }
    if (status !== 200) throw answerError(where, status, bytes ?? Buffer.alloc(0));
    return readToken(bytes, started, where);
  }
}

/** Throws InputError if the answer has no token that can be a header. */
function readToken(bytes: Buffer | undefined, started: number, where: string): Token {
  const answer = parseObject(bytes?.toString() ?? '') ?? {};
  const token = answer['token'] ?? answer['access_token'];
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
    throw new RegistryError(`${where}: gave no token`, 0);
  }
  const seconds = answer['expires_in'];
  const life = typeof seconds === 'number' && seconds > 0 ? seconds : DEFAULT_LIFE_SECONDS;
  const milliseconds = Math.min(life, 1e6) * 1000;
  return { header: bearer(token), expires: started + Math.max(milliseconds / 2, milliseconds - MARGIN_MS) };
}

const bearer = (token: string): string => `Bearer ${token}`;

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
