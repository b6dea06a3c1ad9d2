// Shows the progress of a bench run in one line that is redrawn, only on a terminal.
import { SingleBar } from 'cli-progress';
import { errorTerminal } from './terminal.ts';

export class BenchProgress {
  readonly #terminal = errorTerminal();
  #bar: SingleBar | undefined;

  /** `done` of `total` runs are complete, and `what` begins. */
  show(what: string, done: number, total: number): void {
    if (this.#terminal === undefined) return;
    if (this.#bar === undefined) {
      this.#bar = new SingleBar({
        format: '[{bar}] {value} of {total}, {eta_formatted} left: {what}',
        barCompleteChar: '=',
        barIncompleteChar: ' ',
        barsize: 20,
        stream: this.#terminal,
        clearOnComplete: true,
        hideCursor: false,
        linewrap: false,
        etaBuffer: 200,
      });
      this.#bar.start(total, done, { what });
    } else {
      if (this.#bar.getTotal() !== total) this.#bar.start(total, done, { what });
      this.#bar.update(done, { what });
    }
  }

  /** Erases the line, before other output or at the end. */
  clear(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}
