// Directories under /run/stratafs, which root makes and others may read: of records, and private ones that a mount needs
// while it is made.
//
// A private directory names its process: what a killed one has left there, mounted or not, is removed by the next mount.
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { MNT_DETACH, UMOUNT_NOFOLLOW, unmount } from '../../sys/mount-calls.ts';
import { processStart } from '../../sys/process-start.ts';
import { examinePath } from '../../sys/trusted-path.ts';
import { InputError } from '../../vfs/input-error.ts';

/** Files of the running system that others read: 0755. */
export const RUN_DIRECTORY = '/run/stratafs';
/** The name of a private directory: what it is for, PID namespace, PID, start of the process, random letters. */
const PRIVATE_NAME = /^(?:lower|layers)-(\d+)-(\d+)-(\d+)-\w+$/;

/** `path`, RUN_DIRECTORY or beneath it, made if it is missing. InputError where it can't be made or trusted. */
export function makeRunDirectory(path: string): void {
  try {
    for (const each of [RUN_DIRECTORY, path]) {
      try {
        mkdirSync(each, { mode: 0o755 });
        chmodSync(each, 0o755); // whatever the umask
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
  } catch (error) {
    throw cantRecord(error);
  }
  const found = examinePath(path);
  if (found.kind === 'untrusted') throw cantRecord(new Error(found.reason));
}

/** A new directory that only root can enter, to be removed by the caller. What killed processes have left is removed. */
export async function makePrivateDirectory(purpose: 'lower' | 'layers'): Promise<string> {
  makeRunDirectory(RUN_DIRECTORY);
  await removeLeftovers();
  const name = [purpose, pidNamespace(), process.pid, processStart(process.pid) ?? 0].join('-');
  return mkdtempSync(join(RUN_DIRECTORY, `${name}-`));
}

/** The error of a mount that can't be recorded. */
export function cantRecord(error: unknown): InputError {
  const reason = error instanceof Error ? error.message : String(error);
  return new InputError(`the mount can't be recorded in ${RUN_DIRECTORY}: ${reason}`, { cause: error });
}

async function removeLeftovers(): Promise<void> {
  const here = pidNamespace();
  for (const name of readdirSync(RUN_DIRECTORY)) {
    const [, namespace, pid, start] = PRIVATE_NAME.exec(name) ?? [];
    // Processes of another PID namespace can't be looked up.
    if (namespace !== here || processStart(Number(pid)) === start) continue;
    const path = join(RUN_DIRECTORY, name);
    await unmount(path, UMOUNT_NOFOLLOW | MNT_DETACH); // EINVAL: nothing is mounted
    try {
      rmdirSync(path);
    } catch {
      // ENOENT: another mount was faster. EBUSY: its time has not come.
    }
  }
}

/** Its number. */
function pidNamespace(): string {
  return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
}
