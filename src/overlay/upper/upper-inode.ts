// UpperInode and UpperDirectory: the fields of an inode and of a directory from which Upper finds their files. Inode and
// DirectoryInode (overlay/read) extend them.

/** A directory that may have an upper directory. */
export interface UpperDirectory {
  /** Undefined for the root, and for a removed directory. */
  readonly parent: UpperDirectory | undefined;
  /** Its name in `parent`, latin1. */
  readonly name: string;
  readonly isRemoved: boolean;
  readonly hasUpperDirectory: boolean;
  /** A descriptor of the upper directory after its name was removed; else -1. */
  readonly upperFd: number;
  /** The upper directory is marked (overlay.opaque=x): it may hold whiteouts in the form of xattrs. */
  hasXattrWhiteouts: boolean;
  /** The upper directory is marked (overlay.impure): it may hold copies. */
  isImpure: boolean;
  /** Names (latin1) of the whiteouts in the upper directory. */
  readonly whiteouts: Set<string>;
  /** The reserved names (latin1) of AUFS's form in the upper directory, until it is converted. */
  readonly aufsNames: Set<string>;
  /** Opaque by a reserved name or by fuse-overlayfs's xattr. Kernel overlayfs ignores both. */
  hasAufsOpaque: boolean;
}

/** An inode that may have an upper file. */
export interface UpperInode {
  /** S_IFMT bits that the mount shows. */
  readonly type: number;
  /** False if only the tree has it. */
  readonly hasUpper: boolean;
  /** Its known names in the upper. */
  readonly upperNames: readonly { readonly directory: UpperDirectory; readonly name: string }[];
  /** A descriptor of the upper file if it has no known name; else -1. */
  readonly upperFd: number;
  /** Its name in W/stratafs-links, if it has one. */
  readonly sharedEntry: Buffer | undefined;
}
