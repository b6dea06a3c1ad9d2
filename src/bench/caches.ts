// The kernel's caches, which cold runs must not find filled.
import { access, constants, writeFile } from 'node:fs/promises';
import type { Processes } from './processes.ts';

/** `disk`: nothing of the files is in memory, not their data either. `memory`: dentries and inodes alone are dropped. */
export type Cold = 'disk' | 'memory';

const DROP_CACHES = '/proc/sys/vm/drop_caches';
/** proc_sys_vm(5): 2 frees dentries and inodes, 3 the page cache too. */
const levels: Readonly<Record<Cold, string>> = { disk: '3', memory: '2' };

/** Root may, but not in every container. */
export function canDropCaches(): Promise<boolean> {
  return access(DROP_CACHES, constants.W_OK).then(
    () => process.geteuid?.() === 0,
    () => false, // EACCES, EROFS, ENOENT
  );
}

/** Writes what is dirty, and drops the caches of the whole machine. */
export async function dropCaches(processes: Processes, cold: Cold): Promise<void> {
  await processes.run(['sync']);
  await writeFile(DROP_CACHES, levels[cold]);
}
