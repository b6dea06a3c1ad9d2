// The inode flags of chattr(1) that keep a file from being changed: FS_*_FL of linux/fs.h.

export const FS_IMMUTABLE_FL = 0x10;
export const FS_APPEND_FL = 0x20;
/** Both. */
export const PROTECTION_FLAGS = FS_IMMUTABLE_FL | FS_APPEND_FL;
