// Fetches the layers of a registry's image, several at a time. Layers with the same digest are fetched once.
import type { LayerSource, RemoteLayer } from './image.ts';

/** Downloads at a time: one connection seldom fills a link. */
const PARALLEL = 4;

export interface FetchOptions {
  /** False: nothing is fetched. */
  readonly fetches?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onFetch?: ((done: number, total: number) => void) | undefined;
}

/** Layers of one digest, which are not here. */
interface Transfer {
  readonly sources: LayerSource[];
  readonly remote: RemoteLayer;
  readonly size: number;
}

/**
 * The transfers of those `sources` that are not here, in order. If one fails, the others are aborted by the caller, who
 * also waits until all have settled: until then they use files and connections.
 */
export function startFetching(
  sources: readonly LayerSource[],
  { fetches, signal, onFetch }: FetchOptions,
): ReadonlyMap<LayerSource, Promise<void>> {
  const pending = new Map<LayerSource, Promise<void>>();
  if (fetches === false) return pending;
  const transfers = missingOf(sources);
  const total = transfers.reduce((sum, { size }) => sum + size, 0);
  const done = new Float64Array(transfers.length);
  const places = new Places(PARALLEL);
  for (const [i, { remote, sources: same }] of transfers.entries()) {
    const onProgress = (bytes: number): void => {
      done[i] = bytes;
      onFetch?.(
        done.reduce((sum, each) => sum + each),
        total,
      );
    };
    const fetched = places.use(() => {
      signal?.throwIfAborted();
      return remote.fetch({ signal, onProgress });
    });
    fetched.catch(() => undefined); // thrown where the layer is needed
    for (const source of same) pending.set(source, fetched);
  }
  return pending;
}

function missingOf(sources: readonly LayerSource[]): Transfer[] {
  const transfers = new Map<unknown, Transfer>();
  for (const source of sources) {
    if (source.kind !== 'blob' || source.remote?.isHere() !== false) continue;
    const key = source.digest ?? source;
    const same = transfers.get(key);
    if (same !== undefined) same.sources.push(source);
    else transfers.set(key, { sources: [source], remote: source.remote, size: source.blob.length });
  }
  return [...transfers.values()];
}

/** Brings all layers here. If one can't be had, the others are aborted. Rejects as `RemoteLayer.fetch`. */
export async function fetchLayers(sources: readonly LayerSource[], options: FetchOptions): Promise<void> {
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, options.signal]);
  const pending = [...startFetching(sources, { ...options, signal }).values()];
  for (const each of pending) each.catch((error: unknown) => stop.abort(error));
  await Promise.allSettled(pending);
  signal.throwIfAborted();
}

/** Lets so many run at a time, in the order in which they come. */
class Places {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async use<T>(run: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await run();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
