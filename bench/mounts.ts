// The contenders as mounts: ours, fuse-overlayfs, and the kernel's overlayfs over unpacked layers.
import { readFileSync, readdirSync } from 'node:fs';
import type { Bench } from './bench.ts';
import type { RunOptions } from './processes.ts';

/** Disposed of, it is unmounted, and its daemon gone. */
export interface Mounted extends AsyncDisposable {
  readonly directory: string;
  /** The daemon's; undefined for a file system of the kernel. */
  readonly pid?: number;
}

/** Mounts on a new directory called `name`. */
export type Mount = (name: string) => Promise<Mounted>;

function mountWith(bench: Bench, command: readonly string[], options: RunOptions = {}): Mount {
  return async (name) => {
    const directory = bench.freshDirectory(name);
    let pid: number | undefined;
    const dispose = async (): Promise<void> => {
      if (isMounted(directory)) await bench.processes.runAlways(['umount', directory]);
      // A daemon that still frees its memory would disturb the next sample.
      if (pid !== undefined)
        await bench.processes.runAlways(['tail', '-s', '0.02', `--pid=${pid}`, '-f', '/dev/null']);
    };
    try {
      await bench.processes.run([...command, directory], options);
      pid = daemonOf(directory);
    } catch (error) {
      await dispose();
      throw error;
    }
    return { directory, ...(pid === undefined ? {} : { pid }), [Symbol.asyncDispose]: dispose };
  };
}

function isMounted(directory: string): boolean {
  return readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${directory} `);
}

/** The process that names the mount point as its last argument. */
function daemonOf(directory: string): number | undefined {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const argv = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      if (argv.at(-2) === directory) return Number(name);
    } catch {
      // ENOENT, ESRCH: it ended meanwhile.
    }
  }
  return undefined;
}

/** `stratafs mount SOURCE... DIR` in `cwd`, with indexes in `cacheDirectory`. */
export function stratafs(bench: Bench, cacheDirectory: string, source: readonly string[], cwd = '/'): Mount {
  const env = { XDG_CACHE_HOME: cacheDirectory };
  return mountWith(bench, [bench.cli, 'mount', ...source], { env, cwd });
}

/** The directories of a writable mount: empty, on one file system. */
export interface UpperPlace {
  readonly upper: string;
  readonly work: string;
}

const upperOptions = (place: UpperPlace | undefined): string =>
  place === undefined ? '' : `,upperdir=${place.upper},workdir=${place.work}`;

/** fuse-overlayfs over directories, topmost first. */
export function fuseOverlayfs(bench: Bench, layers: readonly string[], cwd = '/', place?: UpperPlace): Mount {
  const options = `lowerdir=${layers.join(':')}${upperOptions(place)}`;
  return mountWith(bench, ['fuse-overlayfs', '-o', options], { cwd });
}

/**
 * The kernel's overlayfs over directories, topmost first. mount(2) takes a page of options: a hundred layers need short
 * names, relative to `cwd`. One layer alone is refused: an empty directory lies beneath it.
 */
export function overlayfs(bench: Bench, layers: readonly string[], cwd = '/', place?: UpperPlace): Mount {
  const below = layers.length > 1 || place !== undefined ? [] : [bench.freshDirectory('nothing')];
  const access = place === undefined ? 'ro' : 'rw';
  const options = `${access},lowerdir=${[...layers, ...below].join(':')}${upperOptions(place)}`;
  return mountWith(bench, ['mount', '-t', 'overlay', 'overlay', '-o', options], { cwd });
}

/** A directory that is there already, as if mounted. */
export function plainDirectory(directory: string): Mount {
  return () => Promise.resolve({ directory, [Symbol.asyncDispose]: () => Promise.resolve() });
}

/** Mounts all, each under its name; hands the directories over; unmounts all, in reverse, whatever happens. */
export async function withAll<T>(
  mounts: ReadonlyMap<string, Mount>,
  act: (directories: ReadonlyMap<string, string>) => Promise<T>,
): Promise<T> {
  const mounted = new Map<string, Mounted>();
  try {
    for (const [name, mount] of mounts) mounted.set(name, await mount(`mnt-${name}`));
    return await act(new Map([...mounted].map(([name, { directory }]) => [name, directory])));
  } finally {
    for (const one of [...mounted.values()].reverse()) await one[Symbol.asyncDispose]();
  }
}
