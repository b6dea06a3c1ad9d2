// How the earlier daemons of a mount ended, as the keeper counts it.
import { constants } from 'node:os';

/** The daemon asks for the next one (native/launch/keeper.h). */
export const HAND_OVER_STATUS = 75;

export interface History {
  /** Daemons that were killed or failed. */
  readonly crashes: number;
  /** Daemons that handed over. */
  readonly handovers: number;
  /** How the last one ended; undefined for the first daemon of a mount. */
  readonly lastEnd: string | undefined;
}

export const NO_HISTORY: History = { crashes: 0, handovers: 0, lastEnd: undefined };

/** From "CRASHES HANDOVERS STATUS", the last as waitpid(2) has it; NO_HISTORY for anything else. */
export function parseHistory(text: string): History {
  const match = /^(\d{1,10}) (\d{1,10}) (\d{1,6})$/.exec(text);
  if (match === null) return NO_HISTORY;
  const [crashes = 0, handovers = 0, status = 0] = match.slice(1).map(Number);
  return { crashes, handovers, lastEnd: describeEnd(status) };
}

function describeEnd(status: number): string {
  const signal = status & 0x7f;
  if (signal !== 0) {
    const named = Object.entries(constants.signals).find(([, number]) => number === signal);
    return named?.[0] ?? `signal ${signal}`;
  }
  const code = (status >> 8) & 0xff;
  return code === HAND_OVER_STATUS ? 'upgrade' : `exit status ${code}`;
}
