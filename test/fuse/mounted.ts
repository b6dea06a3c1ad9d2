// Mounts a file system of the tests. The mount is served by this process: only child processes touch it.
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { mountDevFuse } from '../../src/fuse/dev-fuse.ts';
import type { DriverOptions, FuseMount } from '../../src/fuse/driver.ts';
import { ErrnoError } from '../../src/vfs/errno.ts';
import type { FileSystem } from '../../src/vfs/filesystem.ts';

export const run = promisify(execFile);

/** What a shell script prints; `args` are its $1 and so on. */
export const shell = async (script: string, ...args: string[]): Promise<string> =>
  (await run('sh', ['-c', script, 'sh', ...args], { maxBuffer: 1 << 26 })).stdout;

/** Lets `body` use a mount of `fileSystem`, and unmounts it. */
export async function withMount(
  fileSystem: FileSystem,
  body: (mountpoint: string, mount: FuseMount) => Promise<void>,
  options: Partial<DriverOptions> = {},
): Promise<void> {
  const mountpoint = mkdtempSync(join(tmpdir(), 'stratafs-fuse-'));
  try {
    const mount = await mountDevFuse(fileSystem, mountpoint, {
      source: 'synthetic',
      flags: 0,
      allowOther: false,
      ...options,
    });
    try {
      await body(mountpoint, mount);
    } finally {
      await mount.unmount().catch((error: unknown) => {
        if (!(error instanceof ErrnoError && error.code === 'EINVAL')) throw error; // EINVAL: unmounted by the test
      });
      await mount.closed;
    }
  } finally {
    rmdirSync(mountpoint);
  }
}

/** Runs in which the kernel's caches may be dropped by somebody else. */
const NOISY_RUNS = 50;

/**
 * The requests by name that `act` sends once all that it asks for is known. Any process may have the kernel drop its caches, and it
 * then asks anew; so `act` is repeated until it sends at most `most`, and the answer is that of the last time.
 */
export async function requestsOfQuietRun(
  mount: FuseMount,
  act: () => Promise<unknown>,
  most = 0,
): Promise<Record<string, number>> {
  let sent: Record<string, number> = {};
  for (let run = 0; run < NOISY_RUNS; run++) {
    const before = mount.statistics().requests;
    await act();
    const after = Object.entries(mount.statistics().requests);
    // statfs(2) is asked each time, and FORGET follows what was dropped.
    sent = Object.fromEntries(
      after
        .filter(([name, count]) => count !== (before[name] ?? 0) && !/^STATFS$|FORGET$/.test(name))
        .map(([name, count]) => [name, count - (before[name] ?? 0)]),
    );
    if (Object.values(sent).reduce((sum, count) => sum + count, 0) <= most) break;
  }
  return sent;
}

/**
 * Runs a Python script that prints a line, waits for one, and goes on: `meanwhile` is called between. Answers what it
 * printed after its first line.
 */
export async function withPause(script: string, mountpoint: string, meanwhile: () => void): Promise<string> {
  const child = spawn('python3', ['-c', script, mountpoint], { stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  const gone = new Promise((resolve) => child.on('close', resolve));
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      resolve();
    });
    child.on('close', resolve);
  });
  meanwhile();
  child.stdin.end('\n');
  await gone;
  return output.slice(output.indexOf('\n') + 1);
}
