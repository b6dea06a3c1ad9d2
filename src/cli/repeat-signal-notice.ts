// RepeatSignalNotice: a user who interrupts twice, while what was begun is undone, is asked to wait: ended now, it would leave mounts.
//
// It listens from the beginning: were it to begin when another listener has just gone, a signal in between would end us.

import type { TerminalReport } from './output/report.ts';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export class RepeatSignalNotice {
  readonly #report: TerminalReport;
  #isAsked = false;
  readonly #onSignal = (): void => {
    if (this.#isAsked) this.#report.notice('unmounting; this takes a moment');
  };

  constructor(report: TerminalReport) {
    this.#report = report;
    for (const signal of signals) process.on(signal, this.#onSignal);
  }

  /** From now on a signal does no more than say so. */
  begin(): void {
    this.#isAsked = true;
  }

  /** Leaves signals to others again. */
  end(): void {
    for (const signal of signals) process.off(signal, this.#onSignal);
  }
}
