// Background: work that goes on after the call that started it was answered. One piece of work runs at a time, in order.
export class Background {
  #last: Promise<void> = Promise.resolve();

  /** Starts `work`, which must not fail, once all work added before has ended. */
  add(work: () => Promise<void>): void {
    this.#last = this.#last.then(work);
  }

  /** Resolves when all work has ended, including work that is added meanwhile. */
  async ended(): Promise<void> {
    for (let last: Promise<void> | undefined; last !== this.#last;) {
      last = this.#last;
      await last;
    }
  }
}
