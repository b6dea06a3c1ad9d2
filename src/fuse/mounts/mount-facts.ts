// What a mount says of itself. It is foreign input: any user may mount a FUSE file system that answers anything.

/** The answer to MOUNT_XATTR. */
export interface MountFacts {
  /** The daemon that serves the mount; undefined where the kernel alone does. */
  readonly pid?: number | undefined;
  /** The path of that daemon's socket, if it serves many mounts: it outlives this one. */
  readonly daemon?: string | undefined;
  /** The process that starts the next daemon if this one dies; undefined where there is none. */
  readonly keeper?: number | undefined;
  /** How often a daemon died or handed over, and another went on. */
  readonly restarts?: number | undefined;
  /** Why the last time: the signal that ended the daemon, `exit status N`, or `upgrade`. */
  readonly lastRestart?: string | undefined;
  /** What a daemon must have in common with this one to go on with the mount. */
  readonly handoverForm?: string | undefined;
  /** The driver; undefined from an older version, which had FUSE alone. */
  readonly driver?: string | undefined;
  /** Milliseconds since 1970. */
  readonly started: number;
  readonly source: string;
  /** `sha256:<hex>` of the image's config; undefined for a bare stack. */
  readonly imageId?: string | undefined;
  /** `sha256:<hex>` of the manifest of an image in a registry, where its tag may come to mean another. */
  readonly manifest?: string | undefined;
  /** All the names that the archive gives the image. */
  readonly names?: readonly string[] | undefined;
  /** How many. */
  readonly layers: number;
  /** What names the layers that are mounted: another for others. */
  readonly layersId?: string | undefined;
  /** Bytes of all layers' files, as docker counts an image's size. */
  readonly size?: number | undefined;
  /** True: a file that holds layers was written to since it was mounted. What the kernel has not cached can't be read. */
  readonly isSourceChanged?: boolean | undefined;
  /** Bytes of layers that are still in a registry; undefined if all were here when it was mounted. */
  readonly missingBytes?: number | undefined;
  /** Absolute paths of the upper directory and of its work directory, where there are such. */
  readonly upper?: string | undefined;
  readonly work?: string | undefined;
  /** The namespace of the upper directory's marks: xattrs in `trusted.overlay.` or in `user.overlay.`. */
  readonly upperMarks?: 'trusted' | 'user' | undefined;
}

/** Milliseconds: the largest that a Date holds. */
const MAX_NUMBER = 8.64e15;

const NUMBERS = ['started', 'layers'];
const OPTIONAL_TEXTS = [
  ...['imageId', 'layersId', 'upper', 'work', 'upperMarks', 'directory', 'platform', 'layer', 'upto'],
  ...['ownerKeeping', 'directoryMarks', 'driver', 'manifest', 'daemon', 'lastRestart', 'handoverForm'],
];

/** Whether `json` has the types of MountFacts, and of what a mount adds about its origin. */
export function isMountFacts(json: unknown): boolean {
  if (typeof json !== 'object' || json === null) return false;
  const fields = json as Readonly<Record<string, unknown>>;
  const { names = [], size = 0, pid = 0, keeper = 0, restarts = 0, missingBytes = 0, source } = fields;
  return (
    [...NUMBERS.map((name) => fields[name]), size, pid, keeper, restarts, missingBytes].every(isNumber) &&
    [source, ...OPTIONAL_TEXTS.map((name) => fields[name] ?? '')].every(isText) &&
    Array.isArray(names) &&
    names.every(isText)
  );
}

function isNumber(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_NUMBER;
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}
