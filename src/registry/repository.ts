// A repository of a registry, with its mirrors: manifests and blobs.
import { createHash } from 'node:crypto';
import { InputError } from '../vfs/input-error.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../vfs/media-types.ts';
import { readBounded } from './bounded-body.ts';
import { BlobRanges, type RemoteBlob } from './blob-ranges.ts';
import { endpointsOf } from './endpoints.ts';
import { RegistryError } from './failure.ts';
import type { Environment } from './proxies.ts';
import { type RegistryReference, parseRegistryReference, showReference } from './reference.ts';
import { DEFAULT_RETRIES, PassingError, type RetryPolicy, withRetries } from './retries.ts';
import { Server, type ServerAnswer } from './server.ts';
import { DEFAULT_TIMEOUTS, type Timeouts, Transport } from './transport.ts';

/** Bytes. The distribution registry and containers/image have the same limit. */
const MANIFEST_LIMIT = 4 << 20;

/** Pages of a list of referrers that are read. A registry that filters them by their type needs one. */
const MAX_PAGES = 16;

/** Manifests and indexes, of OCI and of docker's schema 2. */
const ACCEPTED = [
  OCI_INDEX,
  OCI_MANIFEST,
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

export interface RepositoryOptions {
  readonly environment?: Environment | undefined;
  readonly timeouts?: Timeouts | undefined;
  readonly retries?: RetryPolicy | undefined;
  /** The directory of containerd's hosts.toml files. */
  readonly hostsDirectory?: string | undefined;
  /** True: mirrors are left out. */
  readonly forPush?: boolean | undefined;
}

/** A manifest or an index, verified where its digest was known. */
export interface FetchedManifest {
  readonly bytes: Buffer;
  /** `sha256:<hex>` of the bytes. */
  readonly digest: string;
  readonly mediaType: string | undefined;
}

/** A part of the list of what refers to a manifest. */
interface ReferrersPage {
  readonly bytes: Buffer;
  readonly next: URL | undefined;
}

export class Repository {
  readonly reference: RegistryReference;
  readonly #servers: readonly Server[];
  readonly #retries: RetryPolicy;
  readonly #transport: Transport;
  /** The servers for what comes after the manifest. */
  #order: readonly Server[];

  private constructor(
    reference: RegistryReference,
    servers: readonly Server[],
    transport: Transport,
    retries: RetryPolicy,
  ) {
    this.reference = reference;
    this.#servers = servers;
    this.#order = servers;
    this.#transport = transport;
    this.#retries = retries;
  }

  /** The repository that `docker://...` names. Throws InputError for a malformed name or configuration; asks nobody yet. */
  static open(typed: string, options: RepositoryOptions = {}): Repository {
    const { environment = process.env, timeouts = DEFAULT_TIMEOUTS, retries = DEFAULT_RETRIES } = options;
    const reference = parseRegistryReference(typed);
    const { forPush = false, hostsDirectory } = options;
    const endpoints = endpointsOf(reference, environment, {
      forPush,
      ...(hostsDirectory === undefined ? {} : { hostsDirectory }),
    });
    const transport = new Transport(environment, timeouts);
    const shown = showReference(reference);
    const servers = endpoints.map(
      (endpoint) => new Server(endpoint, { transport, environment, retries, shown }),
    );
    return new Repository(reference, servers, transport, retries);
  }

  /** The registry itself, without its mirrors. */
  get server(): Server {
    return this.#servers.at(-1) as Server;
  }

  get retries(): RetryPolicy {
    return this.#retries;
  }

  /**
   * The manifest or index of a tag or digest, from the first server that has it. Rejects with the failure of the registry
   * itself, the last one.
   */
  async manifest(reference: string, signal?: AbortSignal): Promise<FetchedManifest> {
    let failure: unknown = new InputError(`${showReference(this.reference)}: no server is configured for it`);
    for (const server of this.#order) {
      try {
        const found = await withRetries(this.#retries, signal, () =>
          this.#fetchManifest(server, reference, signal),
        );
        this.#order = [server, ...this.#servers.filter((other) => other !== server)];
        return found;
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        if (!(failure instanceof RegistryError) || server === this.server) failure = error;
      }
    }
    throw failure;
  }

  /**
   * The pages of the list of what refers to the manifest `digest` (OCI indexes), from the registry itself. It is asked for those
   * of `artifactType` alone, but may list others. Undefined if it has no API for it. Rejects with RegistryError if it refuses.
   */
  async referrers(digest: string, artifactType: string, signal?: AbortSignal): Promise<Buffer[] | undefined> {
    const { name } = this.server.endpoint;
    const query = new URLSearchParams({ artifactType });
    const pages: Buffer[] = [];
    let next: string | URL | undefined = `${name}/referrers/${digest}?${query.toString()}`;
    while (next !== undefined && pages.length < MAX_PAGES) {
      const path: string | URL = next;
      const page: ReferrersPage | undefined = await withRetries(this.#retries, signal, () =>
        this.#fetchReferrers(path, signal),
      );
      if (page === undefined) return pages.length === 0 ? undefined : pages;
      pages.push(page.bytes);
      next = page.next;
    }
    return pages;
  }

  /** Asks nobody before it is read. */
  blob(digest: string, size: number): RemoteBlob {
    return new BlobRanges(this.#order, { digest, size, retries: this.#retries });
  }

  /** Ends all connections. */
  close(): Promise<void> {
    return this.#transport.close();
  }

  async #fetchManifest(
    server: Server,
    reference: string,
    signal: AbortSignal | undefined,
  ): Promise<FetchedManifest> {
    const { name } = server.endpoint;
    const answer = await server.send({
      ...{ method: 'GET', signal, headers: { accept: ACCEPTED } },
      path: `${name}/manifests/${reference}`,
      scopes: [`repository:${name}:pull`],
    });
    if (answer.status !== 200) throw await server.failure(answer);
    const bytes = await this.#readManifest(server, answer, signal);
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    const stated = reference.includes(':') ? reference : answer.header('docker-content-digest');
    if (stated?.startsWith('sha256:') === true && stated !== digest) {
      const message = `${server.where}: found a manifest of ${digest}, expected ${stated}`;
      throw new PassingError(new RegistryError(message, 0, { code: 'ERR_STRATAFS_DIGEST' }));
    }
    return { bytes, digest, mediaType: answer.header('content-type') };
  }

  async #fetchReferrers(
    path: string | URL,
    signal: AbortSignal | undefined,
  ): Promise<ReferrersPage | undefined> {
    const { server } = this;
    const answer = await server.send({
      ...{ method: 'GET', signal, headers: { accept: OCI_INDEX } },
      path,
      scopes: [`repository:${server.endpoint.name}:pull`],
    });
    // Registries without the API answer all kinds of things: a page, 404, 405.
    if (answer.status !== 200 || !(answer.header('content-type') ?? '').startsWith(OCI_INDEX)) {
      await answer.discard();
      return undefined;
    }
    const next = nextPage(answer.header('link'));
    return {
      bytes: await this.#readManifest(server, answer, signal),
      next: next === undefined ? undefined : server.follow(answer.url, next),
    };
  }

  async #readManifest(
    server: Server,
    answer: ServerAnswer,
    signal: AbortSignal | undefined,
  ): Promise<Buffer> {
    let bytes: Buffer | undefined;
    try {
      bytes = await readBounded(answer.body, MANIFEST_LIMIT);
    } catch (error) {
      signal?.throwIfAborted();
      throw new PassingError(new RegistryError(`${server.where}: the connection broke`, 0, { cause: error }));
    }
    if (bytes === undefined) {
      throw new RegistryError(`${server.where}: found a manifest of more than ${MANIFEST_LIMIT} bytes`, 0);
    }
    return bytes;
  }
}

/** The target of a Link header (RFC 8288) to the next page. */
function nextPage(link: string | undefined): string | undefined {
  return /<([^<>]+)>\s*;\s*rel="?next"?(?:[\s;,]|$)/.exec(link ?? '')?.[1];
}
