// The user who mounted a FUSE file system. Its daemon answers what it likes: also that root owns a file.
import { type Stats, readFileSync, statfsSync } from 'node:fs';
import { type MountEntry, parseMountTable } from './mount-table.ts';

const FUSE_SUPER_MAGIC = 0x65735546;

/** The user ID of who mounted the file system that `path` lies on; undefined if that is no FUSE file system. Throws Node's errors. */
export function fuseUserAt(path: string, { dev }: Stats): number | undefined {
  if (statfsSync(path).type !== FUSE_SUPER_MAGIC) return undefined;
  const table = parseMountTable(readFileSync('/proc/self/mountinfo', 'utf8'));
  const device = deviceName(dev);
  const entry = table.find((each) => each.device === device);
  return entry === undefined ? Number.NaN : fuseUserOf(entry);
}

/** The user ID of who made the FUSE mount `entry`, as the kernel has it; NaN where it has none. */
export function fuseUserOf({ superOptions }: MountEntry): number {
  return Number(/(?:^|,)user_id=(\d+)/.exec(superOptions)?.[1] ?? Number.NaN);
}

/** As mountinfo shows st_dev, which has the form of makedev(3). */
function deviceName(dev: number): string {
  const number = BigInt(dev);
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & 0xfffff000n);
  const minor = (number & 0xffn) | ((number >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}
