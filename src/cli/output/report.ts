// Report: where a command that takes long says how it goes.
import { showLines, showText } from '../../vfs/show-text.ts';
import type { SingleBar } from 'cli-progress';
import type { Progress } from '../../library/mount.ts';
import { describeFailure, stackOf } from '../failure.ts';
import { showByteSize } from './byte-size.ts';
import { errorTerminal, writeError, writeOutput } from './terminal.ts';

export interface Report {
  progress(progress: Progress): void;
  /** Something that the user may want to know. */
  notice(text: string): void;
  /** Something that the user should look into. */
  warning(text: string): void;
}

/** Work that ends sooner draws no bar: it would only flicker. */
const BAR_DELAY_MS = 300;

/** Reports to stderr; the bar only where that is a terminal. `end` removes the bar. */
export class TerminalReport implements Report {
  readonly #started = Date.now();
  readonly #terminal = errorTerminal();
  #bar: SingleBar | 'loading' | undefined;
  /** The bar shows a part of a total, not a number alone. */
  #showsTotal = false;
  #latest: Progress | undefined;
  #hasEnded = false;

  progress(latest: Progress): void {
    const progress = { ...latest, what: showText(latest.what) };
    this.#latest = progress;
    if (this.#showsTotal !== (progress.total !== undefined)) this.#close();
    if (this.#terminal === undefined || this.#hasEnded || Date.now() - this.#started < BAR_DELAY_MS) return;
    if (this.#bar === undefined) {
      this.#bar = 'loading';
      void this.#open();
    } else if (this.#bar !== 'loading') this.#draw(this.#bar, progress);
  }

  notice(text: string): void {
    this.line(`stratafs: ${text}`);
  }

  warning(text: string): void {
    this.line(`stratafs: warning: ${text}`);
  }

  /** One line that says what went wrong; the stack as well if DEBUG asks for it. */
  failure(error: unknown, stack = stackOf(error)): void {
    this.line(`stratafs: ${describeFailure(error)}${stack === '' ? '' : `\n${stack}`}`);
  }

  /** A line in the form of another program. */
  line(text: string): void {
    this.#close();
    writeError(`${showLines(text)}\n`);
  }

  /** A line on standard output from a command that goes on. */
  async announce(text: string): Promise<void> {
    this.#close();
    await writeOutput(`${text}\n`);
  }

  end(): void {
    this.#hasEnded = true;
    this.#close();
  }

  #close(): void {
    if (this.#bar === undefined || this.#bar === 'loading') return;
    this.#bar.stop();
    this.#bar = undefined;
  }

  /** The library is loaded only when there is something to show: a second mount has nothing. */
  async #open(): Promise<void> {
    const { default: cliProgress } = await import('cli-progress');
    if (this.#hasEnded || this.#latest === undefined || this.#terminal === undefined) return;
    const { what, done, total } = this.#latest;
    this.#showsTotal = total !== undefined;
    const bar = new cliProgress.SingleBar({
      format: this.#showsTotal
        ? '{what} [{bar}] {percentage}% of {size}, {eta_formatted} left'
        : '{what}: {size}',
      barCompleteChar: '=',
      barIncompleteChar: ' ',
      stream: this.#terminal,
      clearOnComplete: true,
      hideCursor: false,
      fps: 10,
      etaBuffer: 50,
    });
    bar.start(Math.max(1, total ?? done), done, { what, size: showByteSize(total ?? done) });
    this.#bar = bar;
  }

  #draw(bar: SingleBar, progress: Progress): void {
    const total = progress.total ?? progress.done;
    bar.setTotal(Math.max(1, total));
    bar.update(progress.done, { what: progress.what, size: showByteSize(total) });
  }
}
