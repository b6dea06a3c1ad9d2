// What a caller of the library may ask for, and what is done where it asks for nothing.
import type { LayerSelection } from '../image/select-layers.ts';
import type { OwnerMapping } from '../fuse/owners/id-mapping.ts';
import type { MarkNamespace } from '../overlayfs-format/overlay-xattrs.ts';
import type { OwnerKeeping } from '../overlay/upper/kept-owners.ts';
import { isInitialRoot } from '../sys/initial-root.ts';
import {
  MS_NOATIME,
  MS_NODEV,
  MS_NOSUID,
  MS_STRICTATIME,
  type MountFlagName,
  mountFlags,
} from '../sys/mount-calls.ts';
import { InputError } from '../vfs/input-error.ts';
import type { Watch } from './watch.ts';

/** Which image of a source, and how much of it. */
export interface OpenImageOptions extends LayerSelection, Watch {
  /** `os/architecture[/variant]`; by default the host's, where the source has several. */
  readonly platform?: string | undefined;
  /** The directory that takes archives unpacked that are compressed as a whole: $XDG_CACHE_HOME/stratafs by default. */
  readonly cacheDirectory?: string | undefined;
  /**
   * True: a mount believes an index of its layers that the image's registry has, and is there before the layers are. A user
   * who may push to the repository, or a mirror, can make the mount show other files until a layer is here as a whole.
   */
  readonly trustsIndex?: boolean | undefined;
  /** The digest (`sha256:...`) of such an index: that one alone is believed. */
  readonly indexDigest?: string | undefined;
  /** False: InputError where it would have to be unpacked first. */
  readonly mayUnpack?: boolean | undefined;
}

/**
 * Flags of mount(2), by mount(8)'s names; a mount is read-only as long as it has no upper. nosuid and nodev are the
 * default, since an image is somebody else's; `suid` and `dev` take them back, for root only.
 */
export type MountFlag = Exclude<MountFlagName, 'ro'> | 'suid' | 'dev';

/** What carries the kernel's requests to this process: /dev/fuse itself, or the npm package fuse-native on libfuse 2. */
export type FuseDriverName = 'dev-fuse' | 'fuse-native';

/** 'erofs': the kernel's own EROFS driver answers, from an image that is written of the merged layers. */
export type DriverName = FuseDriverName | 'erofs';

/** How an image is mounted. */
export interface MountOptions extends Watch {
  /** 'dev-fuse' by default. 'auto': 'erofs' where that is possible and safe, else 'dev-fuse'. */
  readonly driver?: DriverName | 'auto' | undefined;
  /** Makes the mount writable; without it, it is read-only. */
  readonly upper?: UpperOptions | undefined;
  /** Owners that are shown differently from how they are stored. */
  readonly owners?: OwnerMapping | undefined;
  /**
   * Owners and modes are kept in xattrs of the upper's files, beside the inode, as fuse-overlayfs keeps them with
   * xattr_permissions=: 'security' (1; root alone may) or 'user' (2); 'found': as the upper's root says. Layers that are
   * directories, and whose root says so, are shown with what their files keep. Left out: nowhere. 'fake-root': as 'user', and
   * this user may do what root of the image may: the kernel checks no permissions, and no other user has access. Root of the
   * machine needs none of it: then it is as if left out.
   */
  readonly ownerKeeping?: OwnerKeeping | undefined;
  /**
   * True: the marks of the upper, and of layers that are directories, are `user.overlay.*`. That is so for all but root, whose
   * marks are `trusted.overlay.*` by default. Root follows no redirect and no metacopy in `user.overlay.*`.
   */
  readonly usesUserXattrs?: boolean | undefined;
  /** False: the xattr `user.stratafs.layer`, which names a file's layer, is hidden. */
  readonly showsLayers?: boolean | undefined;
  /** False: POSIX ACLs are not obeyed. */
  readonly usesAcl?: boolean | undefined;
  readonly flags?: readonly MountFlag[] | undefined;
  /** Other users may look in, as far as the image's permissions let them: root's default. */
  readonly allowOther?: boolean | undefined;
  /** What the mount table shows; the image's source by default. */
  readonly fsname?: string | undefined;
  /** Bytes of memory for decompressed blocks. */
  readonly cacheSize?: number | undefined;
  /** 'always' reads all layers to verify them; 'never' checks no digest. By default what was not verified before is. */
  readonly verify?: 'when-new' | 'always' | 'never' | undefined;
  /** True: the layers of a registry that are not here are fetched while the mount is used; else only what is read. */
  readonly fillsLayers?: boolean | undefined;
  /** A file of `stratafs stats --record`: the parts of layers of a registry that are fetched first. */
  readonly prefetchFile?: string | undefined;
  /** False: native code answers nothing by itself, every request goes through JavaScript. */
  readonly usesFastPath?: boolean | undefined;
  /** False: indexes are neither taken from the cache directory nor saved there. */
  readonly useIndexCache?: boolean | undefined;
  /** Their directory: $XDG_CACHE_HOME/stratafs by default. */
  readonly cacheDirectory?: string | undefined;
}

/** The directory that takes writes, and how. Kernel overlayfs's own words and form. */
export type UpperOptions = UpperBehaviour & (UpperDirectories | ThrowAwayUpper);

/** An upper directory that stays. */
export interface UpperDirectories {
  /** Takes all changes. It must be there. */
  readonly directory: string;
  /**
   * On the same mounted file system, for what is being made; it must be there. By default `directory` + '.work',
   * which is made where it is missing.
   */
  readonly workDirectory?: string | undefined;
}

/** An upper directory that ends with the mount. */
export interface ThrowAwayUpper {
  /** Both are made in $TMPDIR, and removed when the mount ends. */
  readonly isThrowAway: true;
}

/** How the upper directory is written to. */
export interface UpperBehaviour {
  /** True: what is in the upper is shown, and nothing is written; it may lie on a read-only file system. */
  readonly isReadOnly?: boolean | undefined;
  /**
   * True: nothing is synced while the mount is used. When it ends in order all is synced at once; an upper that did not end so
   * is refused by the next mount.
   */
  readonly isVolatile?: boolean | undefined;
  /** True: a volatile mount syncs nothing at its end either, and leaves the mark, as kernel overlayfs does. */
  readonly keepsVolatileMark?: boolean | undefined;
  /** False: a change of attributes alone copies the data too. */
  readonly metacopy?: boolean | undefined;
  /** False: renaming a directory of the image fails with EXDEV, as everywhere between file systems. */
  readonly redirect?: boolean | undefined;
  /**
   * True: in an upper that no stratafs mount has marked, names that begin with `.wh.` are whiteouts, as fuse-overlayfs may
   * have left them; then none such can be made. By default they are where it holds some that fuse-overlayfs has made.
   */
  readonly takesAufsForm?: boolean | undefined;
  /** True: an upper that was made for other layers, or that may be incomplete, is taken all the same. */
  readonly isForced?: boolean | undefined;
}

/** The namespace of the marks that a mount obeys in its layers, by kernel overlayfs's rule. */
export function directoryMarksOf({ usesUserXattrs = false }: MountOptions): MarkNamespace {
  return !usesUserXattrs && isInitialRoot() ? 'trusted' : 'user';
}

/** MS_* of mount(2): of flags that contradict each other the last one counts. */
export function mountFlagBits(flags: readonly MountFlag[] = []): number {
  return flags.reduce((bits, flag) => {
    if (flag === 'suid') return bits & ~MS_NOSUID;
    if (flag === 'noatime') return (bits & ~MS_STRICTATIME) | MS_NOATIME;
    if (flag === 'strictatime') return (bits & ~MS_NOATIME) | MS_STRICTATIME;
    return flag === 'dev' ? bits & ~MS_NODEV : bits | mountFlags[flag];
  }, MS_NOSUID | MS_NODEV);
}

/** InputError where set-ID bits or devices are to work, and this process is not root. */
export function refuseUnsafeFlags(flags: readonly MountFlag[] = []): void {
  if (process.geteuid?.() === 0) return;
  const unsafe = flags.find((flag) => flag === 'suid' || flag === 'dev');
  if (unsafe !== undefined) throw new InputError(`mount option '${unsafe}': only root may use it`);
}

export const DEFAULT_CACHE_SIZE = 256 * 1024 * 1024;
