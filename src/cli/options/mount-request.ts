// MountRequest: everything that `stratafs mount` was asked for, understood and ready to be done.
//
// It travels to the daemon as JSON, so it is plain values only.
import type { DriverName, MountFlag, OwnerKeeping, OwnerMapping } from '../../mount/mount.ts';

/** Where writes go, and how. */
export interface UpperRequest {
  /** As the user gave it; undefined with `isThrowAway`. */
  directory?: string;
  workDirectory?: string;
  /** True: where no work directory is named, it lies beside `directory`, and is made where it is missing. */
  isWorkBeside?: boolean;
  /** True: made in a temporary directory, and removed when the mount ends. */
  isThrowAway?: boolean;
  isVolatile?: boolean;
  /** True: a volatile mount syncs nothing at its end either. */
  keepsVolatileMark?: boolean;
  metacopy?: boolean;
  redirect?: boolean;
  /** True: an upper that no mount of ours has marked is in the form of fuse-overlayfs. */
  takesAufsForm?: boolean;
  /** True: an upper that was made for other layers, or was lost in a crash, is taken all the same. */
  isForced?: boolean;
}

export interface MountRequest {
  /** SOURCE, or the value of `lowerdir=` with its backslash escapes. */
  source: { kind: 'image'; text: string } | { kind: 'lowerdir'; text: string };
  /** As the user gave it. */
  mountpoint: string;
  /** What the options say; nosuid and nodev are the default. */
  flags: MountFlag[];
  /** Undefined: 'rw' with an upper, 'ro' without one. */
  access?: 'ro' | 'rw';
  upper?: UpperRequest;
  /** Undefined: the default one. */
  driver?: DriverName;
  /** Undefined: whoever is root lets others in. */
  allowOther?: boolean;
  /** What the mount table shows instead of the source. */
  fsname?: string;
  /** os/arch[/variant]. */
  platform?: string;
  /** One layer alone, or the stack up to one: a number from 1 at the base, or a digest prefix. */
  layer?: string;
  upto?: string;
  /** Bytes of the block cache. */
  cacheSize?: number;
  /** 'always' reads every layer to verify it; 'never' believes what the image says. */
  verify?: 'always' | 'never';
  /** False: no index is read from the cache directory, or written to it. */
  useIndexCache: boolean;
  /** Owners that are shown differently from how they are stored. */
  owners?: OwnerMapping;
  /** This user acts as root of the image; `settleOwners` makes it an `ownerKeeping`. */
  isFakeRoot?: boolean;
  /** Owners and modes that are kept in xattrs; undefined: nowhere. */
  ownerKeeping?: OwnerKeeping;
  /** False: native code answers nothing by itself. */
  usesFastPath?: boolean;
  /** True: marks are `user.overlay.*`, also where `trusted.overlay.*` is allowed. */
  usesUserXattrs?: boolean;
  /** False: no file tells by `user.stratafs.layer` which layer it is from. */
  tellsLayers?: boolean;
  /** False: POSIX ACLs are not obeyed. */
  usesAcl?: boolean;
}

/** A request of nothing yet. */
export function newRequest(): MountRequest {
  return { source: { kind: 'image', text: '' }, mountpoint: '', flags: [], useIndexCache: true };
}

/** "app.tar mounted on /mnt.", as mount(8) says it with -v. */
export function describeMounted({ source, fsname, mountpoint }: MountRequest): string {
  return `${source.kind === 'image' ? source.text : (fsname ?? source.text)} mounted on ${mountpoint}.`;
}
