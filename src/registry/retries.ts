// Repeats what failed for a reason that may pass: broken connections, 408, 429 and 5xx, with growing pauses, or as long as
// Retry-After says.
import { setTimeout as sleep } from 'node:timers/promises';
import { RegistryError } from './failure.ts';

export interface RetryPolicy {
  /** Attempts without progress before the failure counts. */
  readonly attempts: number;
  /** Milliseconds: the first pause, which doubles. */
  readonly pause: number;
  readonly maxPause: number;
  /** Milliseconds: a registry that asks for a longer pause is not waited for. */
  readonly maxRetryAfter: number;
}

export const DEFAULT_RETRIES: RetryPolicy = {
  attempts: 8,
  pause: 200,
  maxPause: 10_000,
  maxRetryAfter: 60_000,
};

/** A failure that another attempt may not have. `after`: milliseconds that the server asks to wait. */
export class PassingError extends Error {
  readonly failure: RegistryError;
  readonly after: number | undefined;

  constructor(failure: RegistryError, after?: number) {
    super(failure.message, { cause: failure });
    this.failure = failure;
    this.after = after;
  }
}

/** True for answers of a server that may be better a moment later. */
export function isPassing(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** Retry-After: seconds or a date. Undefined if it is neither. */
export function parseRetryAfter(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Counts failures, and waits between attempts. */
export class Attempts {
  readonly #policy: RetryPolicy;
  readonly #signal: AbortSignal | undefined;
  #failures = 0;

  constructor(policy: RetryPolicy, signal: AbortSignal | undefined) {
    this.#policy = policy;
    this.#signal = signal;
  }

  /** To be called when something was achieved: the count begins again. */
  progressed(): void {
    this.#failures = 0;
  }

  /** Waits before the next attempt. Throws the failure itself after the last one, and the reason of the signal. */
  async pauseAfter({ failure, after }: PassingError): Promise<void> {
    const { attempts, pause, maxPause, maxRetryAfter } = this.#policy;
    this.#failures++;
    if (this.#failures >= attempts || (after ?? 0) > maxRetryAfter) throw failure;
    const usual = Math.min(maxPause, pause * 2 ** (this.#failures - 1));
    // Clients that failed together come back at different times.
    const wait = after ?? usual * (0.5 + Math.random() / 2);
    await sleep(wait, undefined, this.#signal === undefined ? {} : { signal: this.#signal }).catch(() =>
      this.#signal?.throwIfAborted(),
    );
  }
}

/** Calls `attempt` until it returns or fails for good. */
export async function withRetries<T>(
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T>,
): Promise<T> {
  const attempts = new Attempts(policy, signal);
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof PassingError)) throw error;
      await attempts.pauseAfter(error);
    }
  }
}
