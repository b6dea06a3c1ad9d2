// The mount table of this process's mount namespace: /proc/self/mountinfo, proc_pid_mountinfo(5).
//
// Reading it touches no mounted file system, so it never hangs, whatever the daemon of a mount does.
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface MountEntry {
  /** Unique among current mounts; the kernel reuses it. */
  readonly id: number;
  /** The ID of the parent mount. */
  readonly parentId: number;
  /** "major:minor": st_dev of the mounted file system. */
  readonly device: string;
  /** Absolute, without symlinks and escapes. Bytes that are not UTF-8 are replaced. */
  readonly mountPoint: string;
  /** The options of this mount, with mount(8)'s names, separated by commas. */
  readonly options: string;
  /** The type with its subtype, which statfs(2) doesn't report: "fuse.stratafs". */
  readonly type: string;
  /** The source that the mounter named. */
  readonly source: string;
  /** The options of the file system, common to all its mounts, escaped by the kernel. */
  readonly superOptions: string;
}

/** Undoes the kernel's mangle(): blank, tab, newline, backslash and '#' are a backslash and three octal digits. */
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

/** All mounts. A mount comes after the mount that it lies on or covers. */
export async function readMountTable(): Promise<MountEntry[]> {
  return parseMountTable(await readFile('/proc/self/mountinfo', 'utf8'));
}

/** The topmost mount at `mountPoint`, which hides the others there. */
export function mountAt(table: readonly MountEntry[], mountPoint: string): MountEntry | undefined {
  return table.findLast((entry) => entry.mountPoint === mountPoint);
}

/** The mount that contains `path` (absolute, without symlinks). */
export function mountAbove(table: readonly MountEntry[], path: string): MountEntry | undefined {
  for (let place = path; ; place = dirname(place)) {
    const entry = mountAt(table, place);
    if (entry !== undefined || place === '/') return entry;
  }
}
