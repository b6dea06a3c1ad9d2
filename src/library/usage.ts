// Usage: which operations read an open image, so that it is closed under none of them.
import { InputError } from '../vfs/input-error.ts';

/** Operations of one image. Each is run by `run`; `end` ends them all. */
export class Usage {
  readonly #source: string;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<unknown>>();

  /** `source`: for messages. */
  constructor(source: string) {
    this.#source = source;
  }

  /**
   * Runs `operation`, with a signal that is aborted when the image is closed, or with `signal`. Rejects with
   * ERR_STRATAFS_CLOSED where it is closed already.
   */
  async run<T>(operation: (signal: AbortSignal) => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    this.requireOpen();
    const all = this.signalWith(signal);
    all.throwIfAborted();
    const running = (async () => operation(all))();
    const settled = running.then(
      () => undefined,
      () => undefined, // the caller gets the failure
    );
    this.#running.add(settled);
    try {
      return await running;
    } finally {
      this.#running.delete(settled);
    }
  }

  /** Throws ERR_STRATAFS_CLOSED once `end` was called. */
  requireOpen(): void {
    this.#stop.signal.throwIfAborted();
  }

  /** Aborted when the image is closed, or with `signal`. */
  signalWith(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#stop.signal : AbortSignal.any([this.#stop.signal, signal]);
  }

  /** Stops all operations; resolves when none of them runs any more. */
  async end(): Promise<void> {
    this.#stop.abort(
      new InputError(`${this.#source}: the image was closed`, { code: 'ERR_STRATAFS_CLOSED' }),
    );
    await Promise.all(this.#running);
  }
}
