// Commands that take mount points, or --all.
import { SilentMountError } from '../../library/mounts.ts';
import { ErrnoError } from '../../vfs/errno.ts';
import { InputError } from '../../vfs/input-error.ts';
import { UsageError } from '../options/usage-error.ts';
import { TerminalReport } from '../output/report.ts';

/** Throws UsageError unless `command` got either mount points or --all. */
export function understandPlaces(command: string, places: readonly string[], all: true | undefined): void {
  if (all !== true && places.length === 0)
    throw new UsageError(`${command}: missing argument: MOUNTPOINT or --all`);
  if (all === true && places.length > 0) {
    throw new UsageError(`${command}: found --all and a mount point, expected only one of them`);
  }
}

/** Tries all mounts. Prints all failures except the last, and throws that. */
export async function forEachMount(
  places: readonly string[],
  act: (place: string) => Promise<void>,
): Promise<void> {
  const failures: Error[] = [];
  for (const place of places) {
    try {
      await act(place);
    } catch (error) {
      if (!(error instanceof InputError) && !(error instanceof ErrnoError)) throw error;
      failures.push(error);
    }
  }
  // A silent mount's error is thrown last: the process then exits without waiting for that mount.
  failures.sort((a, b) => Number(a instanceof SilentMountError) - Number(b instanceof SilentMountError));
  const last = failures.pop();
  const report = new TerminalReport();
  for (const failure of failures) report.failure(failure);
  if (last !== undefined) throw last;
}
