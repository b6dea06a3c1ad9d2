// MarkSpace: the xattrs with which overlayfs marks files of an upper directory, and how xattrs of the upper show in the mount.
//
// Source: Documentation/filesystems/overlayfs.rst, fs/overlayfs/overlayfs.h (Linux 6.18). The namespace is `trusted.` or, for
// unprivileged mounts, `user.`; a mount obeys only one of them. An xattr of a user or of an image that has the name of a mark
// is escaped as in the kernel: `P.overlay.x` is stored in the upper as `P.overlay.overlay.x`.
import { getxattrAt, listxattrAt, removexattrAt, setxattrAt } from '../../sys/upper-calls.ts';
import { decodeProtattr } from '../../overlayfs-format/protattr.ts';
import { UserMarkTrust } from '../../overlayfs-format/user-marks.ts';
import { S_IFDIR, S_IFREG } from '../../vfs/attr.ts';
import { EACCES } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { latin1Of } from '../../vfs/names.ts';
import { HAS_TRUSTED_MARKS } from '../../overlayfs-format/trusted-marks.ts';
import { withOwnerAccess } from './owner-access.ts';

const NO_BYTES = new Uint8Array(0);
const OPAQUE = Buffer.from('y');

export type MarkName =
  | 'opaque'
  | 'redirect'
  | 'origin'
  /** Of the kernel alone: the link count of a file that its index has. */
  | 'nlink'
  | 'metacopy'
  | 'whiteout'
  | 'impure'
  | 'protattr'
  | 'stratafs'
  | 'stratafs.aufs'
  | 'stratafs.whiteout'
  // Escaped: a mount of the upper shows them as `whiteout` and `opaque`.
  | 'overlay.whiteout'
  | 'overlay.opaque';

/** The marks of one upper file. */
export interface Marks {
  /** "y": the directory hides lower names. "x": it may hold whiteouts that are marked with an xattr. */
  readonly opaque: string | undefined;
  /** A name, or a path from the root of the lower tree: latin1. */
  readonly redirect: string | undefined;
  readonly origin: Buffer | undefined;
  readonly isMetacopy: boolean;
  /** True for a whiteout, if the file is regular and empty and the `opaque` of its directory is "x". */
  readonly isWhiteout: boolean;
  /** True for a file that shows as a character device 0:0, if it is regular and empty (shown-whiteout.ts). */
  readonly isShownWhiteout: boolean;
  /** The directory may hold copies: to list it, the kernel looks up each inode number. */
  readonly isImpure: boolean;
  /** PROTECTION_FLAGS (vfs/inode-flags.ts). */
  readonly protection: number;
}

const NO_MARKS: Marks = {
  opaque: undefined,
  redirect: undefined,
  origin: undefined,
  isMetacopy: false,
  isWhiteout: false,
  isShownWhiteout: false,
  isImpure: false,
  protection: 0,
};

/** Reads and writes the marks of one namespace: that of the mount. */
export class MarkSpace {
  readonly namespace: 'trusted' | 'user';
  /** `trusted.overlay.` or `user.overlay.` */
  readonly prefix: string;
  readonly #escaped: string;
  /** Undefined for `trusted.`: only root can set these marks, so all are followed. */
  readonly #trust: UserMarkTrust | undefined;

  constructor(namespace: 'trusted' | 'user') {
    this.namespace = namespace;
    this.#trust = namespace === 'user' ? new UserMarkTrust() : undefined;
    this.prefix = `${namespace}.overlay.`;
    this.#escaped = `${this.prefix}overlay.`;
  }

  /** False if redirects and metacopies are never followed. Then they must not be written either. */
  get mayFollow(): boolean {
    return this.#trust?.mayFollow ?? true;
  }

  /** True if the marks that refer to another file are followed on every file. */
  get followsAll(): boolean {
    return this.#trust === undefined;
  }

  /** True if the marks of a file that refer to another file are followed. Parameters: see UserMarkTrust.follows. */
  follows(uid: number, opensAsOwner: () => boolean): boolean {
    return this.#trust?.follows(uid, opensAsOwner) ?? true;
  }

  /** False for a file type that can't have xattrs of this namespace. */
  canMark(type: number): boolean {
    return !this.prefix.startsWith('user.') || type === S_IFREG || type === S_IFDIR;
  }

  /** The marks of a file, or a negative errno. */
  read(dir: number, name: Uint8Array): Marks | number {
    const list = listxattrAt(dir, name);
    if (typeof list === 'number') return list;
    if (list.length === 0 || !list.includes(this.prefix, 0, 'latin1')) return NO_MARKS;
    const names = new Set(latin1Of(list).split('\0'));
    const forbidden: MarkName[] = [];
    const value = (mark: MarkName): Buffer | undefined => {
      if (!names.has(this.prefix + mark)) return undefined;
      const found = getxattrAt(dir, name, this.bytesOf(mark));
      if (found === -EACCES) forbidden.push(mark);
      return typeof found === 'number' ? undefined : found;
    };
    const marks: Marks = {
      opaque: value('opaque')?.toString('latin1'),
      redirect: value('redirect')?.toString('latin1'),
      origin: value('origin'),
      isMetacopy: names.has(`${this.prefix}metacopy`),
      isWhiteout: names.has(`${this.prefix}whiteout`),
      isShownWhiteout: names.has(`${this.prefix}stratafs.whiteout`),
      isImpure: names.has(`${this.prefix}impure`),
      protection: decodeProtattr(value('protattr') ?? NO_BYTES),
    };
    return forbidden.length > 0 ? -EACCES : marks;
  }

  get(dir: number, name: Uint8Array, mark: MarkName): Buffer | number {
    return getxattrAt(dir, name, this.bytesOf(mark));
  }

  set(dir: number, name: Uint8Array, mark: MarkName, value: Uint8Array): Status {
    return withOwnerAccess(dir, name, () => setxattrAt(dir, name, this.bytesOf(mark), value, 0));
  }

  /** Makes an upper directory opaque: it hides the names of the lower directory. */
  setOpaque(dir: number, name: Uint8Array): Status {
    return this.set(dir, name, 'opaque', OPAQUE);
  }

  /** -ENODATA if the file doesn't have the mark. */
  remove(dir: number, name: Uint8Array, mark: MarkName): Status {
    return withOwnerAccess(dir, name, () => removexattrAt(dir, name, this.bytesOf(mark)));
  }

  /** The name of a mark as bytes. */
  bytesOf(mark: MarkName): Buffer {
    return Buffer.from(this.prefix + mark, 'latin1');
  }

  /** The name in the upper of the xattr that a user sees as `name`. */
  toUpper(name: string): string {
    return name.startsWith(this.prefix) ? this.#escaped + name.slice(this.prefix.length) : name;
  }

  /** The name that a user sees of an xattr in the upper; undefined for a mark, which is hidden. */
  toShown(name: string): string | undefined {
    if (name === HAS_TRUSTED_MARKS) return undefined;
    if (!name.startsWith(this.prefix)) return name;
    return name.startsWith(this.#escaped) ? this.prefix + name.slice(this.#escaped.length) : undefined;
  }
}
