// Limits of what a file of an image may have, whichever format states it.

/** UIDs and GIDs. */
export const ID_MAX = 0xffff_ffff;
/** Linux's, in bytes of a name and of a value. */
export const XATTR_NAME_MAX = 255;
export const XATTR_SIZE_MAX = 65_536;
/** Xattrs of a file: their names have to fit in XATTR_LIST_MAX, 64 KiB. */
export const MAX_XATTRS = 4096;
