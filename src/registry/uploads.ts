// Sends blobs and manifests to a registry (distribution specification, "push"). A blob that the repository has is not sent;
// one that another repository of the registry has is mounted from there. An upload goes on where its connection broke.
import { PassThrough, type Readable } from 'node:stream';
import { InputError } from '../vfs/input-error.ts';
import { RegistryError } from './failure.ts';
import { Attempts, PassingError, type RetryPolicy, withRetries } from './retries.ts';
import type { Server, ServerAnswer } from './server.ts';

/** A blob of this machine. */
export interface LocalBlob {
  /** `sha256:<hex>`. */
  readonly digest: string;
  readonly size: number;
  /** The bytes from `offset` to the end. */
  open(offset: number): Readable;
}

export interface UploadOptions {
  readonly retries: RetryPolicy;
  readonly signal?: AbortSignal | undefined;
  /** Gets the number of bytes that were handed to the connection since the last call; negative if they are sent again. */
  readonly onSent?: ((bytes: number) => void) | undefined;
}

/** How a blob came to be in the repository. */
export type UploadResult = 'there' | 'mounted' | 'sent';

/**
 * How the repository has the blob without its bytes; undefined: they must be sent. They may be missing here. `from`:
 * repositories of the same registry that may have the blob. Rejects with RegistryError if the registry refuses it.
 */
export async function offerBlob(
  server: Server,
  blob: LocalBlob,
  from: readonly string[],
  options: UploadOptions,
): Promise<'there' | 'mounted' | undefined> {
  const upload = new Upload(server, blob, options);
  if (await upload.isThere()) return 'there';
  for (const other of from) if (await upload.mount(other)) return 'mounted';
  return undefined;
}

/** Sends the bytes of a blob that the repository doesn't have. Rejects with RegistryError if the registry refuses it. */
export function sendBlob(server: Server, blob: LocalBlob, options: UploadOptions): Promise<void> {
  return new Upload(server, blob, options).send();
}

/**
 * Rejects with RegistryError if the registry refuses it, or gives it another digest. `listsReferrers`: the registry has
 * noted the manifest's subject, so it needs no tag for it.
 */
export async function uploadManifest(
  server: Server,
  {
    reference,
    bytes,
    mediaType,
    digest,
  }: { reference: string; bytes: Uint8Array; mediaType: string; digest: string },
  { retries, signal }: Pick<UploadOptions, 'retries' | 'signal'>,
): Promise<{ readonly listsReferrers: boolean }> {
  const { name } = server.endpoint;
  const answer = await withRetries(retries, signal, () =>
    server.send({
      ...{ method: 'PUT', signal, body: bytes, headers: { 'content-type': mediaType } },
      path: `${name}/manifests/${reference}`,
      scopes: pushScopes(name, []),
    }),
  );
  if (answer.status !== 201 && answer.status !== 200) throw await server.failure(answer);
  await answer.discard();
  const stated = answer.header('docker-content-digest');
  if (stated === undefined || stated === digest) {
    return { listsReferrers: answer.header('oci-subject') !== undefined };
  }
  throw new RegistryError(
    `${server.where}: the registry stored the manifest as ${stated}, expected ${digest}`,
    0,
  );
}

function pushScopes(name: string, from: readonly string[]): string[] {
  return [`repository:${name}:pull,push`, ...from.map((other) => `repository:${other}:pull`)];
}

class Upload {
  readonly #server: Server;
  readonly #blob: LocalBlob;
  readonly #options: UploadOptions;
  readonly #name: string;

  constructor(server: Server, blob: LocalBlob, options: UploadOptions) {
    this.#server = server;
    this.#blob = blob;
    this.#options = options;
    this.#name = server.endpoint.name;
  }

  async isThere(): Promise<boolean> {
    const { retries, signal } = this.#options;
    const answer = await withRetries(retries, signal, () =>
      this.#server.send({
        ...{ method: 'HEAD', signal },
        path: `${this.#name}/blobs/${this.#blob.digest}`,
        scopes: pushScopes(this.#name, []),
      }),
    );
    await answer.discard();
    if (answer.status === 200) return true;
    if (answer.status === 404) return false;
    throw await this.#server.failure(answer);
  }

  /** False if the registry does not do it: another upload was begun, which it ends by itself. */
  async mount(from: string): Promise<boolean> {
    if (from === this.#name) return false;
    const query = new URLSearchParams({ mount: this.#blob.digest, from });
    const answer = await this.#post(`?${query.toString()}`, pushScopes(this.#name, [from]));
    await answer.discard();
    return answer.status === 201;
  }

  async send(): Promise<void> {
    const { retries, signal, onSent } = this.#options;
    const { digest, size } = this.#blob;
    const attempts = new Attempts(retries, signal);
    let place: URL | undefined;
    let offset = 0;
    /** The registry had so many bytes at once. */
    let furthest = 0;
    for (;;) {
      try {
        place ??= await this.#begin();
        if (offset < size) {
          const answer = await this.#patch(place, offset, (bytes) => onSent?.(bytes));
          place = this.#locationOf(answer);
          offset = size;
        }
        const target = new URL(place);
        target.searchParams.set('digest', digest);
        const answer = await this.#request('PUT', target);
        if (answer.status !== 201) throw await this.#server.failure(answer);
        await answer.discard();
        return;
      } catch (error) {
        if (!(error instanceof PassingError)) throw error;
        await attempts.pauseAfter(error);
        if (await this.isThere()) return;
        const received = place === undefined ? undefined : await this.#received(place);
        place = received?.place;
        offset = received?.offset ?? 0;
        // One that is begun anew again and again comes no further.
        if (offset > furthest) attempts.progressed();
        furthest = Math.max(furthest, offset);
      }
    }
  }

  async #begin(): Promise<URL> {
    const answer = await this.#post('', pushScopes(this.#name, []));
    if (answer.status !== 202) throw await this.#server.failure(answer);
    await answer.discard();
    return this.#locationOf(answer);
  }

  async #patch(place: URL, offset: number, onSent: (bytes: number) => void): Promise<ServerAnswer> {
    const { digest, size } = this.#blob;
    const source = this.#blob.open(offset);
    // The sender destroys this one when the network fails; so an error of `source` is one of the file.
    const body = new PassThrough();
    let sent = 0;
    let readError: Error | undefined;
    source.on('error', (error) => {
      readError = error;
      body.destroy(error);
    });
    source.on('data', (bytes: Buffer) => {
      sent += bytes.length;
      onSent(bytes.length);
    });
    source.on('end', () => {
      if (offset + sent >= size) return;
      const message = `${this.#server.where}: the blob ${digest} ends at byte ${offset + sent}, expected ${size} bytes`;
      readError = new InputError(message, { code: 'ERR_STRATAFS_CHANGED' });
    });
    source.pipe(body);
    try {
      const answer = await this.#request('PATCH', place, {
        body,
        headers: {
          'content-type': 'application/octet-stream',
          'content-length': String(size - offset),
          ...(offset === 0 ? {} : { 'content-range': `${offset}-${size - 1}` }),
        },
      });
      if (answer.status === 202 || answer.status === 204) {
        await answer.discard();
        return answer;
      }
      const failure = await this.#server.failure(answer);
      // The registry lost the upload, or counts otherwise: it is begun anew.
      throw answer.status === 404 || answer.status === 416 ? new PassingError(failure) : failure;
    } catch (error) {
      onSent(-sent);
      // The connection ends with the file that can't be read: the network is not at fault.
      throw readError ?? error;
    } finally {
      source.destroy();
      body.destroy();
    }
  }

  /** How far the registry has come with an upload; undefined if it must be begun anew. */
  async #received(place: URL): Promise<{ place: URL; offset: number } | undefined> {
    const { retries, signal } = this.#options;
    const answer = await withRetries(retries, signal, () => this.#request('GET', place));
    await answer.discard();
    const last = Number(/^(?:bytes=)?0-(\d+)$/.exec(answer.header('range') ?? '')?.[1] ?? 0);
    // "0-0" is one byte, and in practice also none.
    if (answer.status !== 204 || last === 0 || last >= this.#blob.size) return undefined;
    return { place: this.#locationOf(answer), offset: last + 1 };
  }

  #post(query: string, scopes: readonly string[]): Promise<ServerAnswer> {
    const { retries, signal } = this.#options;
    return withRetries(retries, signal, () =>
      this.#server.send({
        ...{ method: 'POST', signal, headers: { 'content-length': '0' } },
        path: `${this.#name}/blobs/uploads/${query}`,
        scopes,
      }),
    );
  }

  #request(
    method: 'GET' | 'PATCH' | 'PUT',
    path: URL,
    more: { readonly headers?: Readonly<Record<string, string>>; readonly body?: Readable } = {},
  ): Promise<ServerAnswer> {
    const { signal } = this.#options;
    return this.#server.send({ method, path, signal, scopes: pushScopes(this.#name, []), ...more });
  }

  /** Throws RegistryError if the answer names no place, or one that may not be followed. */
  #locationOf(answer: ServerAnswer): URL {
    const location = answer.header('location') ?? '';
    if (location !== '') return this.#server.follow(answer.url, location);
    throw new RegistryError(`${this.#server.where}: found no place to send the blob to`, 0);
  }
}
