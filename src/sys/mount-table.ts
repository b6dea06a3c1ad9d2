// The mount table of this process's mount namespace: /proc/self/mountinfo, proc_pid_mountinfo(5).
//
// Reading it touches no mounted file system, so it never hangs, whatever a mount's daemon does.
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface MountEntry {
  /** Unique among the mounts that exist; used again later. */
  readonly id: number;
  /** The mount that this one lies on. */
  readonly parentId: number;
  /** "major:minor", st_dev of what is mounted. */
  readonly device: string;
  /** Absolute, with neither symlinks nor escapes. Bytes that are not UTF-8 are replaced. */
  readonly mountPoint: string;
  /** The mount's own, as mount(8) names them, separated by commas. */
  readonly options: string;
  /** As statfs(2) has no name for it: "fuse.stratafs". */
  readonly type: string;
  /** What was mounted, as the one who mounted it says. */
  readonly source: string;
  /** The file system's, which all mounts of it have in common; escaped as the kernel shows them. */
  readonly superOptions: string;
}

/** The kernel's mangle(): blank, tab, newline, backslash and '#' as a backslash and three octal digits. */
function unescape(field: string): string {
  return field.replace(/\\([0-3][0-7]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** Lines are `id parent device root mountPoint options [optional fields] - type source superOptions`. */
export function parseMountTable(text: string): MountEntry[] {
  const entries: MountEntry[] = [];
  for (const line of text.split('\n')) {
    const fields = line.split(' ');
    const separator = fields.indexOf('-', 6);
    const [id, parentId, device, , mountPoint, options] = fields;
    const [type, source, superOptions] = separator < 0 ? [] : fields.slice(separator + 1);
    if (mountPoint === undefined || type === undefined) continue;
    entries.push({
      id: Number(id),
      parentId: Number(parentId),
      device: device ?? '',
      mountPoint: unescape(mountPoint),
      options: options ?? '',
      type: unescape(type),
      source: unescape(source ?? ''),
      superOptions: superOptions ?? '',
    });
  }
  return entries;
}

/** All mounts, a mount after the one that it lies on or covers. */
export async function readMountTable(): Promise<MountEntry[]> {
  return parseMountTable(await readFile('/proc/self/mountinfo', 'utf8'));
}

/** The uppermost mount at `mountPoint`: of several at one place only the last is seen. */
export function mountAt(table: readonly MountEntry[], mountPoint: string): MountEntry | undefined {
  return table.findLast((entry) => entry.mountPoint === mountPoint);
}

/** The mount that `path` (absolute, without symlinks) lies in. */
export function mountAbove(table: readonly MountEntry[], path: string): MountEntry | undefined {
  for (let place = path; ; place = dirname(place)) {
    const entry = mountAt(table, place);
    if (entry !== undefined || place === '/') return entry;
  }
}
