// Mounts and unmounts. After an unmount it waits for the daemon of a FUSE file system to end, since a daemon that is still
// freeing memory would disturb the next sample.
import { accessSync, closeSync, constants, readFileSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { mountAt, readMountTable } from '../sys/mount-table.ts';
import { openProcess, waitForExit } from '../sys/process-calls.ts';
import { InputError } from '../vfs/input-error.ts';
import type { Mounted, PreparedContender, UpperPlace } from './contender.ts';
import { type LoadResult, runLoad } from './load-generator.ts';
import type { Processes } from './processes.ts';

/** The time for a daemon to end after its mount has been removed. */
const EXIT_TIMEOUT_MS = 30_000;

/** A program that mounts, and exits when it has mounted. */
export interface MountCommand {
  readonly argv: readonly string[];
  /** The working directory; by default that of this process. */
  readonly cwd?: string;
  /** Environment variables besides those of this process. */
  readonly env?: Readonly<NodeJS.ProcessEnv>;
  /** True: the program starts a daemon that has the mount point on its command line. */
  readonly hasDaemon: boolean;
}

/** A contender that is mounted by the command that `commandFor` returns. It is unmounted if the command fails or is interrupted. */
export function mountedByCommand(
  processes: Processes,
  commandFor: (place: string, upper?: UpperPlace) => MountCommand | Promise<MountCommand>,
): PreparedContender {
  return {
    mount: async (place, upper) => {
      const { argv, hasDaemon, ...options } = await commandFor(place, upper);
      const mounted: Mounted = { directory: place, unmount: () => unmount(processes, place, hasDaemon) };
      try {
        await processes.run(argv, options);
      } catch (error) {
        await mounted.unmount();
        throw error;
      }
      return mounted;
    },
    timeMount: async (place) => timeMount(processes, await commandFor(place), place),
  };
}

async function timeMount(
  processes: Processes,
  { argv, cwd = '.', hasDaemon, ...options }: MountCommand,
  place: string,
): Promise<LoadResult> {
  const load = { operation: 'mount', paths: [place], threads: 1, rehearsals: 0, seed: 0 } as const;
  try {
    return await runLoad(processes, cwd, { ...load, command: argv, ...options });
  } finally {
    await unmount(processes, place, hasDaemon);
  }
}

/** Does nothing if nothing is mounted. */
async function unmount(processes: Processes, place: string, hasDaemon: boolean): Promise<void> {
  const daemon = hasDaemon ? openDaemon(place) : -1;
  try {
    if (mountAt(await readMountTable(), place) !== undefined) {
      await detach(processes, place);
    }
    if (daemon >= 0 && (await waitForExit(daemon, EXIT_TIMEOUT_MS)) !== 0) {
      throw new InputError(`${place}: is unmounted, but its daemon is still running`);
    }
  } finally {
    if (daemon >= 0) closeSync(daemon);
  }
}

/** Unmounts. A busy mount is detached lazily, and ends when it is no longer used. */
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

/** A pidfd of the process that serves the mount; -1 if there is none. */
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
    return []; // ENOENT, ESRCH: the process has ended
  }
}

/** Unmounts in reverse order after `act`, also if that fails. If one unmount fails, the others are still done. */
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

/** True if a directory of PATH contains the program. */
export function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false; // ENOENT, EACCES
    }
  });
}
