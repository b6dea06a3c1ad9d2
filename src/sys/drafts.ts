// Drafts: files that are being written, before they are renamed to their place.
import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** A name beside `path` that no other writer uses, and that contains the pid of its writer. */
export function draftName(path: string): string {
  return `${path}.${process.pid}.${randomBytes(6).toString('hex')}.draft`;
}

/** Removes the drafts of processes that have ended. Throws Node's errors. */
export function removeStaleDrafts(directory: string): void {
  for (const name of readdirSync(directory)) {
    const pid = /\.(\d+)\.[0-9a-f]+\.draft$/.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) rmSync(join(directory, name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: the process runs, as another user. ESRCH: it has ended.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
