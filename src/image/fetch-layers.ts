// Fetches the layers of a registry's image, several at a time.
import type { LayerSource } from './image.ts';

/** Downloads at a time: one connection seldom fills a link. */
const PARALLEL = 4;

export interface FetchOptions {
  /** False: nothing is fetched. */
  readonly fetches?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onFetch?: ((done: number, total: number) => void) | undefined;
}

/** The transfers of those `sources` that are not here, in order. Each may fail; the caller awaits those that it needs. */
export function startFetching(
  sources: readonly LayerSource[],
  { fetches, signal, onFetch }: FetchOptions,
): ReadonlyMap<LayerSource, Promise<void>> {
  const missing = sources.flatMap((source) =>
    source.kind === 'blob' && source.remote?.isHere() === false ? [{ source, remote: source.remote }] : [],
  );
  const pending = new Map<LayerSource, Promise<void>>();
  if (fetches === false) return pending;
  const total = missing.reduce((sum, { source }) => sum + source.blob.length, 0);
  const done = new Float64Array(missing.length);
  const lanes = Array.from({ length: PARALLEL }, () => Promise.resolve());
  for (const [i, { source, remote }] of missing.entries()) {
    const lane = i % PARALLEL;
    const onProgress = (bytes: number): void => {
      done[i] = bytes;
      onFetch?.(
        done.reduce((sum, each) => sum + each),
        total,
      );
    };
    const fetched = (lanes[lane] as Promise<void>).then(() => {
      signal?.throwIfAborted();
      return remote.fetch({ signal, onProgress });
    });
    // The failure is thrown where the layer is needed.
    lanes[lane] = fetched.catch(() => undefined);
    pending.set(source, fetched);
  }
  return pending;
}

/** Brings all layers here. Rejects as `RemoteLayer.fetch`. */
export async function fetchLayers(sources: readonly LayerSource[], options: FetchOptions): Promise<void> {
  await Promise.all(startFetching(sources, options).values());
}
