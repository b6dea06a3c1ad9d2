// How the helpers of mount(8) and umount(8) end: those two show a helper's exit status as their own.
import { endFailed } from './end-failed.ts';
import { UsageError } from './usage-error.ts';

const EXIT_USAGE = 1;
const EXIT_FAILURE = 32;

/** Runs a helper with the arguments of the process; a failure becomes one line and mount(8)'s exit status. */
export async function runAsHelper(helper: (args: readonly string[]) => Promise<void>): Promise<void> {
  try {
    await helper(process.argv.slice(2));
  } catch (error) {
    await endFailed(error, error instanceof UsageError ? EXIT_USAGE : EXIT_FAILURE);
  }
}
