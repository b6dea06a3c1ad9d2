// Background: what goes on after the call that began it was answered, one after the other.
export class Background {
  #last: Promise<void> = Promise.resolve();

  /** Begins `work`, which may not fail, when what was added before has ended. */
  add(work: () => Promise<void>): void {
    this.#last = this.#last.then(work);
  }

  /** Resolves when all that was added has ended. */
  async ended(): Promise<void> {
    for (let last: Promise<void> | undefined; last !== this.#last;) {
      last = this.#last;
      await last;
    }
  }
}
