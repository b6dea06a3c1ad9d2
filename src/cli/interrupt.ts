// Interrupt: turns the signals that end a command into an AbortSignal, so that the command cleans up first.
//
// The command then fails with `Interrupted`, and dies of the same signal, as shells expect.

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The reason of the abort. */
export class Interrupted extends Error {
  readonly signalName: NodeJS.Signals;

  constructor(signalName: NodeJS.Signals) {
    super(`interrupted by ${signalName}`);
    this.name = 'Interrupted';
    this.signalName = signalName;
  }
}

export class Interrupt {
  readonly #abort = new AbortController();
  readonly #onSignal = (name: NodeJS.Signals): void => {
    this.stop(); // the next signal ends the process immediately
    this.#abort.abort(new Interrupted(name));
  };

  /** Starts listening immediately. */
  constructor() {
    for (const signal of signals) process.on(signal, this.#onSignal);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Stops listening. */
  stop(): void {
    for (const signal of signals) process.off(signal, this.#onSignal);
  }
}
