// Runs the built command as a user would, in a temporary directory in which nothing stays mounted.
//
// A process must not touch a mount that it serves itself. Here a daemon serves the mount, so a test may use node:fs on it. Child
// processes are only needed for another user or another namespace.
import { type SpawnOptions, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MNT_DETACH, unmount } from '../../src/sys/mount-calls.ts';
import { parseMountTable } from '../../src/sys/mount-table.ts';
import { withSanitizer } from '../sanitizer-preload.ts';
import { hasEnded, startedWith } from './processes.ts';

export interface Outcome {
  /** 128 + n if signal n ended it, as in a shell. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command as it is installed. */
export const PROGRAM = fileURLToPath(new URL('../../bin/stratafs', import.meta.url));

/** The JavaScript file of the command, for Node. It then starts the launcher itself. */
export const COMMAND = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url));

/** The path of a file in fixtures/. */
export const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));

/** Runs a program until it and its output have ended. Rejects only if it can't be started. */
export function run(program: string, args: readonly string[], options: SpawnOptions = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (status, signal) => {
      resolve({ status: status ?? 128 + (signal === null ? 0 : constants.signals[signal]), stdout, stderr });
    });
  });
}

const cacheOf = (directory: string): string => join(directory, 'cache');

/** A place to mount in. */
export class Workplace {
  /** Absolute. Holds the cache directory `cache` and the empty directory `mnt`. */
  readonly directory: string;
  readonly mountpoint: string;
  readonly environment: NodeJS.ProcessEnv;

  constructor(directory: string) {
    this.directory = directory;
    this.mountpoint = join(directory, 'mnt');
    mkdirSync(this.mountpoint);
    this.environment = {
      ...process.env,
      XDG_CACHE_HOME: cacheOf(directory),
      NO_COLOR: '1',
      DEBUG: '',
    };
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** Runs `stratafs`, in this directory. */
  stratafs(args: readonly string[], options: SpawnOptions = {}): Promise<Outcome> {
    return run(PROGRAM, args, {
      cwd: this.directory,
      env: withSanitizer(this.environment),
      ...options,
    });
  }

  /** Mounts `source` on `mountpoint`. If the command fails, throws its message. */
  async mount(source: string, ...options: string[]): Promise<void> {
    const { status, stderr } = await this.stratafs(['mount', ...options, source, this.mountpoint]);
    if (status !== 0) throw new Error(`mount exited with ${status}: ${stderr}`);
  }

  /** Unmounts `mountpoint`. Throws in the same way. */
  async unmount(): Promise<void> {
    const { status, stderr } = await this.stratafs(['unmount', this.mountpoint]);
    if (status !== 0) throw new Error(`unmount exited with ${status}: ${stderr}`);
  }

  /** The mount points beneath this directory, the uppermost last. */
  mounted(): string[] {
    return parseMountTable(readFileSync('/proc/self/mountinfo', 'utf8'))
      .map(({ mountPoint }) => mountPoint)
      .filter((path) => path.startsWith(this.directory));
  }

  /** Unfinished files in the cache directory. */
  drafts(): string[] {
    const cache = this.path('cache');
    const files = existsSync(cache) ? readdirSync(cache, { recursive: true, encoding: 'utf8' }) : [];
    return files.filter((name) => name.endsWith('.draft'));
  }

  /** The entry of this mount in `stratafs ls`; undefined if it is not listed. */
  async listed(): Promise<ListedMount | undefined> {
    const { stdout } = await this.stratafs(['ls', '--json']);
    return (JSON.parse(stdout) as ListedMount[]).find(({ mountPoint }) => mountPoint === this.mountpoint);
  }
}

export interface ListedMount {
  readonly source: string;
  readonly mountPoint: string;
  readonly state: string;
  readonly pid?: number;
  readonly started?: number;
  readonly imageId?: string;
  readonly layers?: number;
}

/** Kills processes that were started here and still run although nothing is mounted. Returns them. */
async function killDaemons({ directory }: Workplace): Promise<number[]> {
  const variable = `XDG_CACHE_HOME=${cacheOf(directory)}`;
  const stuck: number[] = [];
  for (const pid of startedWith(variable)) {
    if (!(await hasEnded(pid))) stuck.push(pid);
  }
  // A keeper may start another daemon before it is killed itself.
  for (let left = stuck; left.length > 0; left = startedWith(variable)) {
    for (const pid of left) kill(pid);
    for (const pid of left) await hasEnded(pid);
  }
  return stuck;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ESRCH: it has ended.
  }
}

/**
 * Runs `body` in a new directory. Then detaches everything that is mounted there and removes the directory. Throws if a daemon
 * doesn't end.
 */
export async function withWorkplace(body: (place: Workplace) => void | Promise<void>): Promise<void> {
  const place = new Workplace(mkdtempSync(join(tmpdir(), 'stratafs-mount-')));
  let stuck: readonly number[];
  try {
    await body(place);
  } finally {
    for (const path of place.mounted().reverse()) await unmount(path, MNT_DETACH);
    stuck = await killDaemons(place);
    rmSync(place.directory, { recursive: true, force: true });
  }
  if (stuck.length > 0) throw new Error(`${place.directory}: had to kill ${stuck.join(', ')}`);
}

/** Runs `body` with `source` mounted on the workplace's mount point. */
export function withMounted(
  source: string,
  body: (place: Workplace) => void | Promise<void>,
  ...options: string[]
): Promise<void> {
  return withWorkplace(async (place) => {
    await place.mount(source, ...options);
    await body(place);
    await place.unmount();
  });
}

/** Runs `stratafs` once, in a new directory with a cache of its own. */
export async function runAlone(...args: string[]): Promise<Outcome> {
  const outcomes: Outcome[] = [];
  await withWorkplace(async (place) => {
    outcomes.push(await place.stratafs(args));
  });
  return outcomes[0] as Outcome;
}
