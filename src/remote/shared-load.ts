// SharedLoad: something that is loaded once for all that ask at a time, and again only after nobody uses it any more.
import { untilAborted } from '../vfs/until-aborted.ts';

export class SharedLoad<T extends object> {
  readonly #start: (signal: AbortSignal | undefined) => Promise<T | undefined>;
  #running: Promise<T | undefined> | undefined;
  /** Weak: a mount lets go of an index once its tree is made. */
  #loaded: WeakRef<T> | undefined;

  /** @param start resolves with undefined if it failed */
  constructor(start: (signal: AbortSignal | undefined) => Promise<T | undefined>) {
    this.#start = start;
  }

  /** A failure is for those that waited; the next call starts again. Rejects with the reason of the signal when aborted. */
  async get(signal?: AbortSignal): Promise<T | undefined> {
    for (;;) {
      const loaded = this.#loaded?.deref();
      if (loaded !== undefined) return loaded;
      const running = this.#running;
      if (running === undefined) return this.#run(signal);
      try {
        return await untilAborted(running, signal);
      } catch {
        // Either signal: only one's own ends the wait.
        signal?.throwIfAborted();
      }
    }
  }

  async #run(signal: AbortSignal | undefined): Promise<T | undefined> {
    this.#running = this.#start(signal);
    try {
      const found = await this.#running;
      if (found !== undefined) this.#loaded = new WeakRef(found);
      return found;
    } finally {
      this.#running = undefined;
    }
  }
}
