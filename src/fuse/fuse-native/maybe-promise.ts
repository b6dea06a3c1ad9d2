// Continues with an answer that is there at once or comes as a promise, without a wait in the first case.
import { types } from 'node:util';
import type { MaybePromise } from '../../vfs/filesystem.ts';

/** What `next` makes of `value`. */
export function after<T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return types.isPromise(value) ? value.then(next) : next(value);
}

/** Calls `act`, and `end` once it has ended; `hasFailed`: it threw, rejected, or answered a negative errno. */
export function ending<T>(act: () => MaybePromise<T>, end: (hasFailed: boolean) => void): MaybePromise<T> {
  let result: MaybePromise<T>;
  try {
    result = act();
  } catch (error) {
    end(true);
    throw error;
  }
  if (!types.isPromise(result)) {
    end(isErrno(result));
    return result;
  }
  return result.then(
    (value) => {
      end(isErrno(value));
      return value;
    },
    (error: unknown) => {
      end(true);
      throw error;
    },
  );
}

function isErrno(value: unknown): boolean {
  return typeof value === 'number' && value < 0;
}
