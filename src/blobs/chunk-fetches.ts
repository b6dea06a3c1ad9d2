// ChunkFetches: which chunks are being fetched, and who waits for them.
//
// A chunk is fetched once, however many ask for it. Neighbouring missing chunks are fetched by one request, up to a
// limit, so that a large read costs few round trips, and several requests can run at once. From a source without ranges
// all are fetched by one request. A request that fails rejects the chunks that it has not delivered; the next caller who
// asks for them starts a new request.
/** Chunks in one request: 8 MiB. */
const MAX_CHUNKS_PER_REQUEST = 128;
/** Requests for one blob under way at once; others wait for their turn. */
const MAX_REQUESTS = 3;

/** Chunks that are to be fetched, in as many requests as it takes. */
interface Run {
  readonly first: number;
  /** Exclusive. */
  readonly end: number;
}

interface Waiting {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

/** Fetches chunks `first` to `end` (exclusive), and calls `arrived` for each one in order. */
export type FetchChunks = (first: number, end: number, arrived: (chunk: number) => void) => Promise<void>;

export class ChunkFetches {
  readonly #fetch: FetchChunks;
  readonly #knowsRanges: () => boolean;
  readonly #waiting = new Map<number, Waiting>();
  readonly #queue: Run[] = [];
  readonly #running = new Set<Promise<void>>();

  constructor(fetch: FetchChunks, knowsRanges: () => boolean) {
    this.#fetch = fetch;
    this.#knowsRanges = knowsRanges;
  }

  /**
   * Resolves when the chunks from `first` to `end` (exclusive) that `isMissing` reports have arrived. Rejects with the
   * error of the first request that failed.
   */
  async get(first: number, end: number, isMissing: (chunk: number) => boolean): Promise<void> {
    const arrivals: Promise<void>[] = [];
    for (let chunk = first; chunk < end; chunk++) {
      if (!isMissing(chunk)) continue;
      if (!this.#waiting.has(chunk)) this.#start(chunk, end, isMissing);
      arrivals.push((this.#waiting.get(chunk) as Waiting).promise);
    }
    await Promise.all(arrivals);
  }

  /** Resolves when no request runs or waits any more. The source must have been stopped. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Queues the missing chunks from `first` on that nobody fetches yet. */
  #start(first: number, end: number, isMissing: (chunk: number) => boolean): void {
    let last = first;
    while (last < end && isMissing(last) && !this.#waiting.has(last)) this.#waiting.set(last++, newWaiting());
    this.#queue.push({ first, end: last });
    this.#startRequests();
  }

  #startRequests(): void {
    for (;;) {
      const isFull = this.#running.size >= (this.#knowsRanges() ? MAX_REQUESTS : 1);
      const next = isFull ? undefined : this.#queue.shift();
      if (next === undefined) return;
      const end = this.#knowsRanges() ? Math.min(next.end, next.first + MAX_CHUNKS_PER_REQUEST) : next.end;
      if (end < next.end) this.#queue.unshift({ first: end, end: next.end });
      const running = this.#run(next.first, end).finally(() => {
        this.#running.delete(running);
        this.#startRequests();
      });
      this.#running.add(running);
    }
  }

  async #run(first: number, end: number): Promise<void> {
    let next = first;
    try {
      await this.#fetch(first, end, (chunk) => {
        this.#take(chunk).resolve();
        next = chunk + 1;
      });
    } catch (error) {
      for (let chunk = next; chunk < end; chunk++) this.#take(chunk).reject(error);
    }
  }

  #take(chunk: number): Waiting {
    const waiting = this.#waiting.get(chunk) as Waiting;
    this.#waiting.delete(chunk);
    return waiting;
  }
}

function newWaiting(): Waiting {
  let resolve: () => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<void>((onArrival, onFailure) => {
    resolve = onArrival;
    reject = onFailure;
  });
  // A read-ahead has nobody who waits for it.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
