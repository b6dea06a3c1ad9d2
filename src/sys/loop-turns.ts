// The longest turn of this thread's event loop (native/addon/loop_turns.cc).
import { addon } from './addon.ts';

export interface LoopTurns {
  /** Milliseconds of the longest turn since the start, or since `reset`, without the time in which the loop slept. */
  longest(): number;
  reset(): void;
  /** Stops the measuring. */
  close(): void;
}

/** Measures from now on; it does not keep the process running. */
export const LoopTurns = (addon as { LoopTurns: new () => LoopTurns }).LoopTurns;
