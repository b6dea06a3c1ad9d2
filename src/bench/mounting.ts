// Unmounting, and waiting for the daemon of a FUSE file system to end: one that still frees its memory would disturb the
// next sample.
import { accessSync, closeSync, constants, readFileSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { mountAt, readMountTable } from '../sys/mount-table.ts';
import { openProcess, waitForExit } from '../sys/process-calls.ts';
import { InputError } from '../vfs/input-error.ts';
import type { Mounted } from './contender.ts';
import type { Processes, RunOptions } from './processes.ts';

/** How long a daemon may take to end after its mount is gone. */
const EXIT_TIMEOUT_MS = 30_000;

/**
 * Mounts by a program, and takes down what it mounted where it fails or is interrupted. `daemon`: the program leaves a
 * process behind that names the mount point on its command line.
 */
export async function mountByProgram(
  processes: Processes,
  argv: readonly string[],
  place: string,
  options: RunOptions & { readonly daemon: boolean },
): Promise<Mounted> {
  const mounted: Mounted = { directory: place, unmount: () => unmount(processes, place, options.daemon) };
  try {
    await processes.run(argv, options);
  } catch (error) {
    await mounted.unmount();
    throw error;
  }
  return mounted;
}

/** Nothing where nothing is mounted. */
async function unmount(processes: Processes, place: string, hasDaemon: boolean): Promise<void> {
  const daemon = hasDaemon ? openDaemon(place) : -1;
  try {
    if (mountAt(await readMountTable(), place) !== undefined) {
      await detach(processes, place);
    }
    if (daemon >= 0 && (await waitForExit(daemon, EXIT_TIMEOUT_MS)) !== 0) {
      throw new InputError(`${place}: is unmounted, but what served it is still running`);
    }
  } finally {
    if (daemon >= 0) closeSync(daemon);
  }
}

/** One that is busy (somebody looks into it) is detached now, and ends when it no longer is. */
async function detach(processes: Processes, place: string): Promise<void> {
  const isRoot = process.geteuid?.() === 0;
  const program = isRoot ? ['umount'] : ['fusermount3', '-u'];
  const lazily = isRoot ? '-l' : '-z';
  try {
    await processes.takeDown([...program, '--', place]);
  } catch {
    await processes.takeDown([...program, lazily, '--', place]);
  }
}

/** A descriptor of the process that serves the mount; -1 where there is none. */
function openDaemon(place: string): number {
  for (const name of readdirSync('/proc')) {
    if (/^\d+$/.test(name) && argumentsOf(name).includes(place)) return openProcess(Number(name));
  }
  return -1;
}

function argumentsOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // ENOENT, ESRCH: it ended meanwhile
  }
}

/** Unmounts, in reverse, whatever happens in `act`. A mount that can't be ended doesn't keep others from it. */
export async function unmountingAfter(
  mounts: () => Iterable<Mounted>,
  act: () => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  try {
    await act();
  } catch (error) {
    failures.push(error);
  }
  for (const mounted of [...mounts()].reverse()) {
    await mounted.unmount().catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}

/** Whether a directory of PATH has it. */
export function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false; // ENOENT, EACCES: either way it can't be run
    }
  });
}
