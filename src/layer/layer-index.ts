// LayerIndex: the flat, immutable table of the content of one layer.
//
// The rules within the layer are already applied: duplicates, entries under non-directories, missing parents, order of
// hard links. Relations to other layers (whiteouts, opaque directories, links to lower names) are recorded, not
// resolved. Dentry 0 and inode 0 are the root. The children of a directory are contiguous dentries, sorted bytewise by
// name. Every column is a view on one ArrayBuffer, which never changes after it was built.

/** Kinds of a dentry. */
export const DentryKind = {
  /** A name in this layer: `dentryTarget` is its inode. */
  inode: 0,
  /** Hides the name in lower layers; has no inode. The name is stored without its `.wh.` prefix. */
  whiteout: 1,
  /** A hard link to a name that only lower layers have: `dentryTarget` indexes `links`. */
  lowerLink: 2,
} as const;

/** Bits of `inodeFlags`. */
export const InodeFlag = {
  /** Directory: hides the content that lower layers have in it. */
  opaque: 1,
  /** Directory made as the parent of an entry: owned by root, 0755. A lower directory keeps its attributes. */
  implicit: 2,
  /** Regular file whose content is a list of extents: `dataOffset` indexes `extents`. */
  sparse: 4,
  /**
   * Directory, always implicit too: made only to hold whiteouts or an opaque marker. It never makes a directory appear:
   * if the lower layers have no directory at this path, it has no effect, nor has anything beneath it, and a lower file
   * or symlink stays.
   */
  carrier: 8,
  /**
   * Regular file that is not sparse: the bytes after its last one, up to a multiple of 512 of the uncompressed blob, are
   * there, and zeros. Without it they may be anything.
   */
  cleanTail: 16,
} as const;

export interface LayerIndex {
  readonly dentryCount: number;
  readonly inodeCount: number;

  /** The offset of a dentry's name in `pool`, and its length in bytes. */
  readonly nameOffset: Uint32Array;
  readonly nameLength: Uint8Array;
  readonly dentryKind: Uint8Array;
  readonly dentryTarget: Uint32Array;

  readonly mode: Uint32Array;
  readonly uid: Uint32Array;
  readonly gid: Uint32Array;
  /** new_encode_dev form. */
  readonly rdev: Uint32Array;
  /** Bytes; for a symlink the length of its target. */
  readonly size: Float64Array;
  readonly mtimeSec: Float64Array;
  readonly mtimeNsec: Uint32Array;
  readonly atimeSec: Float64Array;
  readonly atimeNsec: Uint32Array;
  /**
   * Regular file: offset of its bytes in the layer's uncompressed blob, or, with InodeFlag.sparse, index in `extents`.
   * Symlink: offset of its target in `pool`.
   */
  readonly dataOffset: Float64Array;
  /** Directory: its children are dentries firstChild to firstChild + childCount - 1. */
  readonly firstChild: Uint32Array;
  readonly childCount: Uint32Array;
  /** 0: none; otherwise 1 + offset in `xattrs`. */
  readonly xattr: Uint32Array;
  readonly inodeFlags: Uint8Array;

  /** Names and symlink targets, as raw bytes. */
  readonly pool: Uint8Array;
  /** A block is u16 count, then count times: u8 name length, u32 value length, name, value (little-endian, unaligned). */
  readonly xattrs: Uint8Array;
  /** A list is its count of extents, then count times: offset in the file, length, offset in the blob (bytes). */
  readonly extents: Float64Array;
  /** Only for directories used as layers. By inode: overlay.redirect, a name or an absolute path. */
  readonly redirects?: ReadonlyMap<number, Uint8Array>;
  /** Regular files whose bytes are in a lower layer (overlay.metacopy). */
  readonly metacopies?: ReadonlySet<number>;
  /** Directories with a redirect, and metacopies, whose marks may not be followed (sys/user-marks.ts). */
  readonly unfollowed?: ReadonlySet<number>;
  /** Files and directories that are immutable or append-only: their PROTECTION_FLAGS (vfs/inode-flags.ts). */
  readonly protections?: ReadonlyMap<number, number>;
  /** Pairs of offset and length in `pool`: the target of a lowerLink, a normalised path without leading slash. */
  readonly links: Uint32Array;
}
