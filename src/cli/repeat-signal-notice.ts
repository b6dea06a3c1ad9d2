// RepeatSignalNotice: asks a user who interrupts again during the clean-up to wait, since ending now would leave mounts.
//
// It listens from the beginning: if it started only when another listener is removed, a signal in between would end the
// process.

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

  /** From now on a signal only prints the notice. */
  begin(): void {
    this.#isAsked = true;
  }

  /** Stops listening. */
  end(): void {
    for (const signal of signals) process.off(signal, this.#onSignal);
  }
}
