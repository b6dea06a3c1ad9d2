// Drops the kernel's caches before cold runs.
import { access, constants, writeFile } from 'node:fs/promises';
import type { Processes } from './processes.ts';

/** `disk`: drops dentries, inodes and the data of files. `memory`: drops only dentries and inodes, so reads need no disk. */
export type Cold = 'disk' | 'memory';

const DROP_CACHES = '/proc/sys/vm/drop_caches';
/** proc_sys_vm(5): 2 frees dentries and inodes, 3 the page cache too. */
const levels: Readonly<Record<Cold, string>> = { disk: '3', memory: '2' };

/** Needs root, and fails in some containers even then. */
export function canDropCaches(): Promise<boolean> {
  return access(DROP_CACHES, constants.W_OK).then(
    () => process.geteuid?.() === 0,
    () => false, // EACCES, EROFS, ENOENT
  );
}

/** Writes dirty pages, and drops the caches of the whole machine. */
export async function dropCaches(processes: Processes, cold: Cold): Promise<void> {
  await processes.run(['sync']);
  await writeFile(DROP_CACHES, levels[cold]);
}
