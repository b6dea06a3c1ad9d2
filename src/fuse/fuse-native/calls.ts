// Calls: the funnel that every call of libfuse's goes through. Each is counted and answered exactly once, whatever happens.
import { types } from 'node:util';
import { ENOTCONN } from '../../vfs/errno.ts';
import type { MaybePromise } from '../../vfs/filesystem.ts';
import { errnoOf } from '../errno-of.ts';
import type { Opcode } from '../wire/protocol.ts';

/** The kernel's name of the request that a call comes from; libfuse does not distinguish a lookup from a getattr, nor kinds of setattr. */
export type CallKind = keyof typeof Opcode;

export class Calls {
  /** Calls seen, by kind. */
  readonly counts: Partial<Record<CallKind, number>> = {};
  /** Bytes answered to reads. */
  bytesRead = 0;
  /** Bytes taken from writes. */
  bytesWritten = 0;
  readonly #pending = new Set<Promise<void>>();
  #pendingChanges = 0;
  #hasEnded = false;

  /** Calls that change something and have not ended. */
  get pendingChanges(): number {
    return this.#pendingChanges;
  }

  /** Calls `act`, and `reply` with what it answers or resolves to: a failure, thrown or rejected, as a negative errno. */
  answer<T>(kind: CallKind, act: () => MaybePromise<T | number>, reply: (result: T | number) => void): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
    if (this.#hasEnded) {
      reply(-ENOTCONN);
      return;
    }
    let result: MaybePromise<T | number>;
    try {
      result = act();
    } catch (error) {
      reply(errnoOf(error));
      return;
    }
    if (!types.isPromise(result)) {
      reply(result);
      return;
    }
    // Reads alone wait otherwise.
    const changes = kind === 'READ' ? 0 : 1;
    this.#pendingChanges += changes;
    const settled = result.catch(errnoOf).then((value) => {
      this.#pending.delete(settled);
      this.#pendingChanges -= changes;
      reply(value);
    });
    this.#pending.add(settled);
  }

  /** From now on every call is answered ENOTCONN. Resolves when those under way have ended. */
  async end(): Promise<void> {
    this.#hasEnded = true;
    await Promise.all(this.#pending);
  }
}
