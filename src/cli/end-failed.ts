// How a command that failed ends: one line on stderr, the exit status, and no waiting for a mount that is stuck.
import { describeFailure, printFailure, stackOf } from './failure.ts';

export async function endFailed(error: unknown, exitStatus: number): Promise<void> {
  printFailure(describeFailure(error), stackOf(error));
  process.exitCode = exitStatus;
  if (error instanceof Error && error.name === 'SilentMountError') {
    const { exitNow } = await import('../mount.ts');
    exitNow(exitStatus);
  }
}
