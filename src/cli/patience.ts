// Patience: a user who interrupts twice, while what was begun is undone, is asked to wait: ended now, it would leave mounts.

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export class Patience {
  readonly #onSignal = (): void => {
    process.stderr.write('stratafs: unmounting; it takes a moment\n');
  };

  /** From now on signals do no more than say so. */
  begin(): void {
    for (const signal of signals) process.on(signal, this.#onSignal);
  }

  end(): void {
    for (const signal of signals) process.off(signal, this.#onSignal);
  }
}
