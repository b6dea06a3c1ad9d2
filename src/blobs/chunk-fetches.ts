// ChunkFetches: which chunks are being fetched, and who waits for them.
//
// A chunk is fetched once, however many ask for it. Neighbouring missing chunks are fetched by one request, up to a
// limit, so that a large read costs few round trips, and several requests can run at once. Chunks that are fetched ahead
// wait for those that somebody needs, and leave them a request. From a source without ranges all are fetched by one
// request. A request that fails rejects the chunks that it has not delivered; the next caller who asks for them starts a
// new request.
/** Chunks in one request: 8 MiB. */
const MAX_CHUNKS_PER_REQUEST = 128;
/** The same of what is fetched ahead, 2 MiB: who needs a chunk at its end soon waits for the whole. */
const MAX_CHUNKS_AHEAD = 32;
/** Requests for one blob under way at once; others wait for their turn. */
const MAX_REQUESTS = 4;
/** The same while only what is fetched ahead waits. */
const MAX_REQUESTS_AHEAD = 3;

/** 'needed': somebody waits for it. */
export type Urgency = 'needed' | 'ahead';

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
  readonly #queues: Readonly<Record<Urgency, Run[]>> = { needed: [], ahead: [] };
  readonly #running = new Set<Promise<void>>();

  constructor(fetch: FetchChunks, knowsRanges: () => boolean) {
    this.#fetch = fetch;
    this.#knowsRanges = knowsRanges;
  }

  /**
   * Resolves when the chunks from `first` to `end` (exclusive) that `isMissing` reports have arrived. Rejects with the
   * error of the first request that failed.
   */
  async get(
    first: number,
    end: number,
    isMissing: (chunk: number) => boolean,
    urgency: Urgency = 'needed',
  ): Promise<void> {
    const arrivals: Promise<void>[] = [];
    if (urgency === 'needed') this.#hasten(first, end);
    for (let chunk = first; chunk < end; chunk++) {
      if (!isMissing(chunk)) continue;
      if (!this.#waiting.has(chunk)) this.#start(chunk, end, isMissing, urgency);
      arrivals.push((this.#waiting.get(chunk) as Waiting).promise);
    }
    this.#startRequests();
    await Promise.all(arrivals);
  }

  /** Resolves when no request runs or waits any more. The source must have been stopped. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Queues the missing chunks from `first` on that nobody fetches yet. */
  #start(first: number, end: number, isMissing: (chunk: number) => boolean, urgency: Urgency): void {
    let last = first;
    while (last < end && isMissing(last) && !this.#waiting.has(last)) this.#waiting.set(last++, newWaiting());
    this.#queues[urgency].push({ first, end: last });
  }

  /** Somebody needs chunks from `first` to `end`: those that were to be fetched ahead are needed now. */
  #hasten(first: number, end: number): void {
    const { needed, ahead } = this.#queues;
    for (const run of ahead.splice(0)) {
      const [from, to] = [Math.max(first, run.first), Math.min(end, run.end)];
      if (from >= to) {
        ahead.push(run);
        continue;
      }
      needed.push({ first: from, end: to });
      if (run.first < from) ahead.push({ first: run.first, end: from });
      if (to < run.end) ahead.push({ first: to, end: run.end });
    }
  }

  #startRequests(): void {
    for (;;) {
      const isNeeded = this.#queues.needed.length > 0;
      const queue = isNeeded ? this.#queues.needed : this.#queues.ahead;
      const knowsRanges = this.#knowsRanges();
      const most = knowsRanges ? (isNeeded ? MAX_REQUESTS : MAX_REQUESTS_AHEAD) : 1;
      const next = this.#running.size >= most ? undefined : queue.shift();
      if (next === undefined) return;
      const length = isNeeded ? MAX_CHUNKS_PER_REQUEST : MAX_CHUNKS_AHEAD;
      const end = knowsRanges ? Math.min(next.end, next.first + length) : next.end;
      if (end < next.end) queue.unshift({ first: end, end: next.end });
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
