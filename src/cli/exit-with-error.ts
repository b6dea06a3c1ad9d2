// How a command that failed ends: one line on stderr, the exit status, and no waiting for a mount that is stuck.
import { describeFailure, printFailure, stackOf } from './failure.ts';
import { launcherPid } from './launched.ts';

export async function exitWithError(error: unknown, exitStatus: number): Promise<void> {
  printFailure(describeFailure(error), stackOf(error));
  process.exitCode = exitStatus;
  // Either may have left a pool thread waiting for a mount point that hangs.
  if (launcherPid() !== undefined || (error instanceof Error && error.name === 'SilentMountError')) {
    const { exitNow } = await import('../mount/mount.ts');
    exitNow(exitStatus);
  }
}
