// Report: the progress bar, notices and warnings of a command.
import { showLines, showText } from '../../vfs/show-text.ts';
import type { SingleBar } from 'cli-progress';
import type { Progress } from '../../library/mount.ts';
import { describeFailure, stackOf } from '../failure.ts';
import { showByteSize } from './byte-size.ts';
import { errorTerminal, writeError, writeOutput } from './terminal.ts';

export interface Report {
  progress(progress: Progress): void;
  /** Information that may be useful to the user. */
  notice(text: string): void;
  /** A problem that the user should check. */
  warning(text: string): void;
}

/** Shorter work shows no bar, which would only flicker. */
const BAR_DELAY_MS = 300;

/** Reports to stderr, with a bar only if that is a terminal. `end` removes the bar. */
export class TerminalReport implements Report {
  readonly #started = Date.now();
  readonly #terminal = errorTerminal();
  #bar: SingleBar | 'loading' | undefined;
  /** True if the bar shows a fraction of a total, false for a number only. */
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

  /** One line that describes the error; with DEBUG, also the stack. */
  failure(error: unknown, stack = stackOf(error)): void {
    this.line(`stratafs: ${describeFailure(error)}${stack === '' ? '' : `\n${stack}`}`);
  }

  /** A line without the prefix "stratafs: ", for programs with another format. */
  line(text: string): void {
    this.#close();
    writeError(`${showLines(text)}\n`);
  }

  /** A line on standard output while the command keeps running. */
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

  /** Loads the library only when a bar is needed: a cached mount shows none. */
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
