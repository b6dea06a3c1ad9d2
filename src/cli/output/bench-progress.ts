// How far a run of the bench is: one line that is drawn again, on a terminal alone.
import { SingleBar } from 'cli-progress';
import { errorTerminal } from './terminal.ts';

export class BenchProgress {
  readonly #terminal = errorTerminal();
  #bar: SingleBar | undefined;

  /** `done` of `total` are over, and `what` begins. */
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

  /** Makes room for a line, or ends. */
  clear(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}
