// SharedValues: values that several users of this process hold at a time, by key. Each is closed when its last user
// releases it.
//
// A value takes its time to make. Its users make it in turn, so that two that want the same at a time make it once. A
// failure concerns its own user alone: the next one in turn tries for itself.
import { untilAborted } from '../vfs/until-aborted.ts';

/** One user's hold on a shared value. */
export interface Lease<T> {
  readonly value: T;
  /** May be called several times. */
  readonly release: () => void;
}

interface Entry<T> {
  readonly value: T;
  readonly close: (value: T) => void;
  users: number;
}

export class SharedValues<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #turns = new Map<string, Promise<void>>();

  /** The number of values that somebody holds. */
  get size(): number {
    return this.#entries.size;
  }

  /** The values that somebody holds. */
  values(): T[] {
    return [...this.#entries.values()].map(({ value }) => value);
  }

  /** A hold on the value of `key`; undefined if nobody holds it. */
  take(key: string): Lease<T> | undefined {
    const entry = this.#entries.get(key);
    return entry === undefined ? undefined : this.#lease(key, entry);
  }

  /** Shares `value`, which `close` closes after its last release. `key` must be free. */
  add(key: string, value: T, close: (value: T) => void = () => undefined): Lease<T> {
    if (this.#entries.has(key)) throw new Error(`${key} is shared already`);
    const entry = { value, close, users: 0 };
    this.#entries.set(key, entry);
    return this.#lease(key, entry);
  }

  /** Runs `body` when no other `body` with this key runs. Rejects with the reason of `signal` while it waits. */
  async inTurn<R>(key: string, signal: AbortSignal | undefined, body: () => Promise<R>): Promise<R> {
    for (let turn = this.#turns.get(key); turn !== undefined; turn = this.#turns.get(key)) {
      await untilAborted(turn, signal);
    }
    let end = (): void => undefined;
    this.#turns.set(key, new Promise((resolve) => (end = resolve)));
    try {
      return await body();
    } finally {
      this.#turns.delete(key);
      end();
    }
  }

  #lease(key: string, entry: Entry<T>): Lease<T> {
    entry.users++;
    let isReleased = false;
    return {
      value: entry.value,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        if (--entry.users > 0) return;
        this.#entries.delete(key);
        entry.close(entry.value);
      },
    };
  }
}
