// The programs that the package installs, by their file names in dist/cli.
//
// Each reads its arguments from the process, prints the command's result, and sets the exit status.
import type { CommandResult } from './command-result.ts';
import { exitWhenOutputFails, exitWithError, exitWithResult } from './exit.ts';
import { EXIT_FAILURE, exitStatusOf } from './failure.ts';
import { ignoreFailuresOfErrorOutput } from './output/terminal.ts';

/** `stratafs`: 1 for a failure, 2 for usage. */
async function stratafs(): Promise<void> {
  await runProgram(async (args) => (await import('./command-line.ts')).runCommandLine(args), exitStatusOf);
}

/** `stratafs-overlay`: 1 for any failure, like fuse-overlayfs. */
async function stratafsOverlay(): Promise<void> {
  await runProgram(
    async (args) => (await import('./commands/overlay-command.ts')).runOverlayCommand(args),
    () => EXIT_FAILURE,
  );
}

/** `mount.stratafs`, which mount(8) runs. */
async function mountHelper(): Promise<void> {
  await runProgram(
    async (args) => (await import('./commands/mount-helper.ts')).runMountHelper(args),
    helperStatusOf,
  );
}

/** `umount.fuse.stratafs`, which umount(8) runs. */
async function unmountHelper(): Promise<void> {
  await runProgram(
    async (args) => (await import('./commands/unmount-helper.ts')).runUnmountHelper(args),
    helperStatusOf,
  );
}

/** mount(8) and umount(8) exit with the status of a helper: 1 for wrong usage, 32 for a failure. */
function helperStatusOf(error: unknown): number {
  return exitStatusOf(error) === EXIT_FAILURE ? 32 : 1;
}

/** `program` loads its modules itself, so that a missing addon is reported like any failure. */
async function runProgram(
  program: (args: readonly string[]) => Promise<CommandResult>,
  statusOf: (error: unknown) => number,
): Promise<void> {
  ignoreFailuresOfErrorOutput();
  exitWhenOutputFails(statusOf(new Error('standard output')));
  try {
    await exitWithResult(await program(process.argv.slice(2)));
  } catch (error) {
    await exitWithError(error, statusOf(error));
  }
}

export const programs = {
  main: stratafs,
  'overlay-main': stratafsOverlay,
  'mount-helper-main': mountHelper,
  'unmount-helper-main': unmountHelper,
} as const satisfies Readonly<Record<string, () => Promise<void>>>;
