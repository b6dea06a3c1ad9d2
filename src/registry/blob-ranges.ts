// Reads a range of a blob: resumes where a connection broke, resolves a redirect again when its target has expired, takes
// the whole blob where a server knows no ranges, and goes on to another server.
//
// Bytes are as the servers send them: only a whole blob has a digest, which the caller compares.
import { RegistryError } from './failure.ts';
import { Attempts, PassingError, type RetryPolicy } from './retries.ts';
import type { Server, ServerAnswer } from './server.ts';
import type { HttpAnswer } from './transport.ts';

/** Bytes of a blob, wherever they are. */
export interface RemoteBlob {
  /** `sha256:<hex>` of the whole blob. */
  readonly digest: string;
  readonly size: number;
  /** False if the last answer to a request for a range was the whole blob. */
  readonly knowsRanges: boolean;
  /**
   * Exactly `length` bytes from `offset`, in order. Rejects with an InputError if no server gives them, with the reason of
   * the signal when aborted.
   */
  read(offset: number, length: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** How often another server became the first one that is asked. */
  readonly turn: number;
  /**
   * The bytes of a request that began in `turn` did not have their digest: the next ones are taken anew, from another server if
   * there is one. Does nothing if that was done since.
   */
  distrust(turn: number): void;
}

/** A part of a transfer that is worth another series of attempts. */
const PROGRESS = 64 << 10;

export interface BlobAddress {
  readonly digest: string;
  readonly size: number;
  readonly retries: RetryPolicy;
}

/** `servers`: the one that gave the manifest first. */
export class BlobRanges implements RemoteBlob {
  readonly digest: string;
  readonly size: number;
  readonly #servers: readonly Server[];
  readonly #retries: RetryPolicy;
  /** The targets of redirects, by server. */
  readonly #places = new Map<Server, URL>();
  /** The server that is asked first. */
  #first = 0;
  #turn = 0;
  #knowsRanges = true;

  constructor(servers: readonly Server[], { digest, size, retries }: BlobAddress) {
    this.#servers = servers;
    this.digest = digest;
    this.size = size;
    this.#retries = retries;
  }

  get knowsRanges(): boolean {
    return this.#knowsRanges;
  }

  get turn(): number {
    return this.#turn;
  }

  distrust(turn: number): void {
    if (turn !== this.#turn) return;
    this.#places.clear();
    this.#goOn();
  }

  #goOn(): void {
    this.#first = (this.#first + 1) % this.#servers.length;
    this.#turn++;
  }

  async *read(offset: number, length: number, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    const end = offset + length;
    const attempts = new Attempts(this.#retries, signal);
    let position = offset;
    let progress = 0;
    let tried = 1;
    while (position < end) {
      const server = this.#servers[this.#first] as Server;
      try {
        for await (const piece of this.#readOnce(server, position, end, signal)) {
          position += piece.length;
          progress += piece.length;
          yield piece;
        }
        if (position < end) throw new PassingError(this.#wrong(server, 'ended in the middle'));
      } catch (error) {
        this.#places.delete(server);
        if (progress >= PROGRESS) {
          attempts.progressed();
          progress = 0;
        }
        const failure = await this.#failureOf(error, attempts);
        if (failure === undefined) continue;
        if (tried++ >= this.#servers.length) throw failure;
        // Reads that run at the same time may have gone on to the next server already.
        if (this.#servers[this.#first] === server) this.#goOn();
        attempts.progressed();
      }
    }
  }

  /** Waits if another attempt is worth it. Otherwise the failure of this server. */
  async #failureOf(error: unknown, attempts: Attempts): Promise<RegistryError | undefined> {
    try {
      if (!(error instanceof PassingError)) throw error;
      await attempts.pauseAfter(error);
      return undefined;
    } catch (final) {
      if (final instanceof RegistryError) return final;
      throw final;
    }
  }

  /** What one answer gives of bytes `position` to `end`. */
  async *#readOnce(
    server: Server,
    position: number,
    end: number,
    signal: AbortSignal | undefined,
  ): AsyncIterable<Uint8Array> {
    const answer = await this.#open(server, position, end, signal);
    this.#knowsRanges = answer.status !== 200 || (position === 0 && end === this.size);
    let skip = this.#start(server, answer, position);
    let left = end - position;
    try {
      for await (const piece of answer.body) {
        const from = Math.min(skip, piece.length);
        skip -= from;
        const bytes = piece.subarray(from, from + left);
        left -= bytes.length;
        if (bytes.length > 0) yield bytes;
        if (left === 0) return;
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw new PassingError(new RegistryError(`${server.where}: the connection broke`, 0, { cause: error }));
    }
  }

  /** How many bytes of the answer come before `position`. Throws PassingError if it is not of this range. */
  #start(server: Server, answer: HttpAnswer, position: number): number {
    if (answer.status === 200) return position;
    const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(answer.header('content-range') ?? '') ?? [];
    if (Number(start) === position && (total === '*' || Number(total) === this.size)) return 0;
    void answer.discard();
    throw new PassingError(this.#wrong(server, 'gave other bytes than those that were asked for'));
  }

  async #open(
    server: Server,
    position: number,
    end: number,
    signal: AbortSignal | undefined,
  ): Promise<HttpAnswer> {
    const headers = { range: `bytes=${position}-${end - 1}` };
    const place = this.#places.get(server);
    if (place !== undefined) {
      const answer = await server.sendPlain(place, { method: 'GET', headers, signal });
      if (answer.status === 200 || answer.status === 206) return answer;
      // The place has expired, or is not there any more: ask the registry for another.
      await answer.discard();
      this.#places.delete(server);
    }
    const { name } = server.endpoint;
    const answer: ServerAnswer = await server.send({
      ...{ method: 'GET', headers, signal },
      path: `${name}/blobs/${this.digest}`,
      scopes: [`repository:${name}:pull`],
    });
    const isOwn = await server.owns(answer.url);
    if (answer.status === 200 || answer.status === 206) {
      if (!isOwn) this.#places.set(server, answer.url);
      return answer;
    }
    if (answer.status === 416) {
      await answer.discard();
      throw this.#wrong(server, `has fewer than the ${this.size} bytes that the manifest states`);
    }
    const failure = await server.failure(answer, `${server.where}: the blob ${this.digest}`);
    // A storage refuses a link that has expired on the way; the registry itself gives a new one.
    throw isOwn ? failure : new PassingError(failure);
  }

  #wrong(server: Server, what: string): RegistryError {
    return new RegistryError(`${server.where}: the blob ${this.digest} ${what}`, 0);
  }
}
