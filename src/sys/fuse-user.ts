// The user who mounted a FUSE file system. Its daemon answers what it likes: also that root owns a file.
import { type Stats, readFileSync, statfsSync } from 'node:fs';
import { parseMountTable } from './mount-table.ts';

const FUSE_SUPER_MAGIC = 0x65735546;

/** The user ID of who mounted the file system that `path` lies on; undefined if that is no FUSE file system. Throws Node's errors. */
export function fuseUserAt(path: string, { dev }: Stats): number | undefined {
  if (statfsSync(path).type !== FUSE_SUPER_MAGIC) return undefined;
  const table = parseMountTable(readFileSync('/proc/self/mountinfo', 'utf8'));
  const device = deviceName(dev);
  const options = table.find((entry) => entry.device === device)?.superOptions ?? '';
  return Number(/(?:^|,)user_id=(\d+)/.exec(options)?.[1] ?? Number.NaN);
}

/** As mountinfo shows st_dev, which has the form of makedev(3). */
function deviceName(dev: number): string {
  const number = BigInt(dev);
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & 0xfffff000n);
  const minor = (number & 0xffn) | ((number >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}
