// Waits for something that others wait for, too.

/**
 * The result of `shared`: an abort ends this wait, and not what is shared. Rejects with the reason of the signal when
 * aborted.
 */
export function untilAborted<T>(shared: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return shared;
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    const done = (): void => signal.removeEventListener('abort', stop);
    shared.finally(done).then(resolve, reject);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
