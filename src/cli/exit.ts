// Ends a command: prints its output, or one line on standard error, and sets the exit status. Nothing else in src/cli prints
// or exits, except that background.ts ends a daemon after an internal error.
import { showJson } from '../vfs/show-text.ts';
import { writeFailure } from '../vfs/write-failure.ts';
import type { CommandResult } from './command-result.ts';
import { EXIT_USAGE } from './failure.ts';
import { Interrupted } from './interrupt.ts';
import { launcherPid } from './launched.ts';
import { TerminalReport } from './output/report.ts';
import { flushOutput, watchOutput, writeError, writeOutput } from './output/terminal.ts';

/** Prints the command's result, and sets the exit status. */
export async function exitWithResult(result: CommandResult): Promise<void> {
  if ('stream' in result) {
    process.exitCode = await result.stream(writeOutput);
    return;
  }
  if ('usage' in result) {
    writeError(result.usage);
    process.exitCode = EXIT_USAGE;
    return;
  }
  const { status = 0, exitsNow = false } = result;
  process.exitCode = status;
  const text = 'json' in result ? `${showJson(result.json, 2)}\n` : result.text;
  if (text !== '') await writeOutput(text);
  if (exitsNow) {
    await flushOutput();
    await exitWithoutWaiting(status);
  }
}

/** Prints the failure. An interrupted command dies of the signal. */
export async function exitWithError(error: unknown, status: number): Promise<void> {
  if (error instanceof Interrupted) process.kill(process.pid, error.signalName);
  new TerminalReport().failure(error);
  process.exitCode = status;
  // In both cases a pool thread may be blocked by a mount point that hangs.
  if (launcherPid() !== undefined || (error instanceof Error && error.name === 'SilentMountError')) {
    await exitWithoutWaiting(status);
  }
}

/**
 * Exits when standard output fails, with `failure`. In `stratafs ls | head -1`, the end of the reader is not a failure: the status
 * is that of the result, if it is known.
 */
export function exitWhenOutputFails(failure: number): void {
  watchOutput((error) => {
    if (error.code === 'EPIPE') process.exit();
    new TerminalReport().failure(writeFailure(error, 'standard output'));
    process.exit(failure);
  });
}

/** Exits without waiting for pool threads, which Node's own exit does. */
async function exitWithoutWaiting(status: number): Promise<never> {
  const { exitNow } = await import('../mount/mount.ts');
  return exitNow(status);
}
