// The xattrs by which overlayfs marks what lies in an upper directory, and what the mount shows of xattrs.
//
// Source: Documentation/filesystems/overlayfs.rst, fs/overlayfs/overlayfs.h (Linux 6.18). The attributes are in
// `trusted.` or, for unprivileged mounts, in `user.`: one mount obeys one of both. An attribute of a user (or of an
// image) that has the name of a mark is escaped, as the kernel does: `P.overlay.x` lies in the upper as `P.overlay.overlay.x`.
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
  | 'metacopy'
  | 'whiteout'
  | 'impure'
  | 'protattr'
  | 'stratafs'
  | 'stratafs.aufs'
  | 'stratafs.whiteout'
  // Escaped: what a mount of the upper shows as `whiteout` and `opaque`.
  | 'overlay.whiteout'
  | 'overlay.opaque';

/** The marks of one upper file. */
export interface Marks {
  /** "y": hides lower names. "x": may hold whiteouts in the form of an xattr. */
  readonly opaque: string | undefined;
  /** A name, or a path from the root of the lower tree: latin1. */
  readonly redirect: string | undefined;
  readonly origin: Buffer | undefined;
  readonly isMetacopy: boolean;
  /** An empty regular file with it is a whiteout, in a directory whose `opaque` is "x". */
  readonly isWhiteout: boolean;
  /** An empty regular file with it shows as a character device 0:0 (shown-whiteout.ts). */
  readonly isShownWhiteout: boolean;
  /** A directory with it may hold copies: the kernel then looks up the inode numbers for a listing. */
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

/** The namespace of marks that one mount obeys and writes. */
export class MarkSpace {
  readonly namespace: 'trusted' | 'user';
  /** `trusted.overlay.` or `user.overlay.` */
  readonly prefix: string;
  readonly #escaped: string;
  /** Undefined: only root can have set the marks, so all are followed. */
  readonly #trust: UserMarkTrust | undefined;

  constructor(namespace: 'trusted' | 'user') {
    this.namespace = namespace;
    this.#trust = namespace === 'user' ? new UserMarkTrust() : undefined;
    this.prefix = `${namespace}.overlay.`;
    this.#escaped = `${this.prefix}overlay.`;
  }

  /** False: redirects and metacopies are followed on no file, so none should be written. */
  get mayFollow(): boolean {
    return this.#trust?.mayFollow ?? true;
  }

  /** Marks that lead to another file are followed on every file. */
  get followsAll(): boolean {
    return this.#trust === undefined;
  }

  /** True where marks of a file that lead to another file are followed; arguments as UserMarkTrust.follows has them. */
  follows(uid: number, opensAsOwner: () => boolean): boolean {
    return this.#trust?.follows(uid, opensAsOwner) ?? true;
  }

  /** False for a file type that can't have attributes of this namespace. */
  canMark(type: number): boolean {
    return !this.prefix.startsWith('user.') || type === S_IFREG || type === S_IFDIR;
  }

  /** The marks of a file; a negative errno where they can't be read. */
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

  /** Makes an upper directory hide what the tree has in its place. */
  setOpaque(dir: number, name: Uint8Array): Status {
    return this.set(dir, name, 'opaque', OPAQUE);
  }

  /** -ENODATA where there is none. */
  remove(dir: number, name: Uint8Array, mark: MarkName): Status {
    return withOwnerAccess(dir, name, () => removexattrAt(dir, name, this.bytesOf(mark)));
  }

  /** The name of a mark as bytes. */
  bytesOf(mark: MarkName): Buffer {
    return Buffer.from(this.prefix + mark, 'latin1');
  }

  /** How an attribute that a user sees as `name` is called in the upper. */
  toUpper(name: string): string {
    return name.startsWith(this.prefix) ? this.#escaped + name.slice(this.prefix.length) : name;
  }

  /** How an attribute of the upper shows; undefined for a mark, which never does. */
  toShown(name: string): string | undefined {
    if (name === HAS_TRUSTED_MARKS) return undefined;
    if (!name.startsWith(this.prefix)) return name;
    return name.startsWith(this.#escaped) ? this.prefix + name.slice(this.#escaped.length) : undefined;
  }
}
