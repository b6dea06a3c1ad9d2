// restart=: whether a mount survives its daemon.
import type { RestartRule } from '../../mount/keeper/keeper.ts';
import { UsageError } from './usage-error.ts';

/** The form of the value, for people. */
export const RESTART_VALUES = 'on|off|CRASHES/SECONDS';
export const DEFAULT_RESTART: RestartRule = { crashes: 5, seconds: 60 };
/** As kMostCrashes of native/launch/keeper.h. */
const MAX_CRASHES = 1000;
const MAX_SECONDS = 86_400;

/** From on, off or CRASHES/SECONDS. */
export function parseRestart(value: string): RestartRule | 'off' {
  if (value === 'on') return DEFAULT_RESTART;
  if (value === 'off') return 'off';
  const [, crashes = 0, seconds = 0] = (/^(\d{1,4})\/(\d{1,5})$/.exec(value) ?? []).map(Number);
  if (crashes > 0 && crashes <= MAX_CRASHES && seconds > 0 && seconds <= MAX_SECONDS)
    return { crashes, seconds };
  throw new UsageError(
    `mount option 'restart': found '${value}', expected on, off, or CRASHES/SECONDS such as 5/60 (at most ${MAX_CRASHES}/${MAX_SECONDS})`,
  );
}
