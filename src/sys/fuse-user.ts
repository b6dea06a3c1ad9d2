// Finds the user who mounted a FUSE file system. Its daemon can report any owner for a file, even root.
import { type Stats, readFileSync, statfsSync } from 'node:fs';
import { type MountEntry, parseMountTable } from './mount-table.ts';

const FUSE_SUPER_MAGIC = 0x65735546;

/**
 * The user ID of the mounter of the file system at `path`; undefined if that is not a FUSE file system. Throws Node's
 * errors.
 */
export function fuseUserAt(path: string, { dev }: Stats): number | undefined {
  if (statfsSync(path).type !== FUSE_SUPER_MAGIC) return undefined;
  const table = parseMountTable(readFileSync('/proc/self/mountinfo', 'utf8'));
  const device = deviceName(dev);
  const entry = table.find((each) => each.device === device);
  return entry === undefined ? Number.NaN : fuseUserOf(entry);
}

/** The user ID of the mounter, from the kernel's mount options of `entry`; NaN if they have none. */
export function fuseUserOf({ superOptions }: MountEntry): number {
  return Number(/(?:^|,)user_id=(\d+)/.exec(superOptions)?.[1] ?? Number.NaN);
}

/** A st_dev, in the form of makedev(3), as mountinfo shows it. */
function deviceName(dev: number): string {
  const number = BigInt(dev);
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & 0xfffff000n);
  const minor = (number & 0xffn) | ((number >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}
