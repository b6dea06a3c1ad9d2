// The EROFS format, as far as our images use it: linux/fs/erofs/erofs_fs.h, all numbers little-endian.
//
// An image, in order; each part begins at a block:
//   block 0 and 1   1,024 bytes that the kernel ignores (src/erofs/image-file.ts uses them)
//   superblock      128 bytes, then one slot of 128 bytes for each extra device
//   shared xattrs   values that several inodes use
//   directories     inodes of directories, each followed by the last block's worth of its names
//   files           all other inodes, dense
//   names           the other blocks of directories, and targets of symlinks that don't fit after their inode
//   bytes           blocks of files that can't be read in place
//
// Superblock, from byte 1,024:
// | offset | size | name            | our value                                                       |
// | ---    | ---  | ---             | ---                                                             |
// | 0      | 4    | magic           | 0xe0f5e1e2                                                      |
// | 4      | 4    | checksum        | crc32c of the rest of the block, seeded with ~0, this field 0   |
// | 8      | 4    | feature_compat  | SB_CHKSUM, MTIME                                                |
// | 12     | 1    | blkszbits       | 9                                                               |
// | 14     | 2    | root_nid        |                                                                 |
// | 16     | 8    | inos            | number of inodes                                                |
// | 36     | 4    | blocks          | blocks of the image, without the devices                        |
// | 40     | 4    | meta_blkaddr    | the nid counts 32-byte slots from this block                    |
// | 44     | 4    | xattr_blkaddr   | a shared xattr's number counts 4-byte units from this block     |
// | 48     | 16   | uuid            |                                                                 |
// | 80     | 4    | feature_incompat| CHUNKED_FILE, DEVICE_TABLE if there are devices                 |
// | 86     | 2    | extra_devices   |                                                                 |
// | 88     | 2    | devt_slotoff    | 9: the slots begin at byte 9 * 128                              |
//
// Device slot:
// | offset | size | name   | our value           |
// | ---    | ---  | ---    | ---                 |
// | 64     | 4    | blocks | blocks of the device |
//
// Inode (struct erofs_inode_extended), from a multiple of 32 bytes:
// | offset | size | name         | our value                                                              |
// | ---    | ---  | ---          | ---                                                                    |
// | 0      | 2    | i_format     | bit 0: 64 bytes; bits 1 to 3: Layout                                   |
// | 2      | 2    | i_xattr_icount | 0: no xattrs; otherwise (bytes of xattrs - 12) / 4 + 1               |
// | 4      | 2    | i_mode       | as st_mode                                                             |
// | 8      | 8    | i_size       | bytes                                                                  |
// | 16     | 4    | i_u          | first block; device number; chunk format: bits 0 to 4: blocks of a chunk, as a power of two; bit 5: indexes |
// | 20     | 4    | i_ino        | low 32 bits of the nid                                                 |
// | 24     | 4    | i_uid        |                                                                        |
// | 28     | 4    | i_gid        |                                                                        |
// | 32     | 8    | i_mtime      | seconds, signed                                                        |
// | 40     | 4    | i_mtime_nsec |                                                                        |
// | 44     | 4    | i_nlink      |                                                                        |
//
// After it, xattrs: a header of 12 bytes (byte 4: count of shared ones), the numbers of the shared ones (4 bytes each),
// then the others: u8 length of the name without its prefix, u8 prefix, u16 length of the value, name, value, padding to
// 4. Then the target of a symlink, the last names of a directory, or at a multiple of 8 the chunk indexes: u16 0, u16
// device (0: the image itself), u32 first block or 0xffffffff for a hole.
import { crc32c } from './crc32c.ts';

export const BLOCK_BITS = 9;
export const BLOCK = 1 << BLOCK_BITS;
export const SUPERBLOCK_OFFSET = 1024;
export const SUPERBLOCK_SIZE = 128;
export const DEVICE_SLOT_SIZE = 128;
/** Unit of a nid, in bytes. */
export const SLOT = 32;
export const INODE_SIZE = 64;
export const CHUNK_INDEX_SIZE = 8;
export const DIRENT_SIZE = 12;
/** The largest number of blocks of a device, or of an image. */
export const MAX_BLOCKS = 0xffff_fffe;
export const HOLE = 0xffff_ffff;
/** The format stores the number of extra devices in 16 bits. */
export const MAX_DEVICES = 0xffff;
/** A chunk is at most this power of two of blocks. */
export const MAX_CHUNK_BITS = 31;

export const Superblock = {
  magic: 0,
  checksum: 4,
  featureCompat: 8,
  blockBits: 12,
  rootNid: 14,
  inodes: 16,
  blocks: 36,
  metaBlock: 40,
  xattrBlock: 44,
  uuid: 48,
  featureIncompat: 80,
  extraDevices: 86,
  deviceSlot: 88,
} as const;

export const DeviceSlot = { blocks: 64 } as const;

export const Inode = {
  format: 0,
  xattrCount: 2,
  mode: 4,
  size: 8,
  union: 16,
  ino: 20,
  uid: 24,
  gid: 28,
  mtime: 32,
  mtimeNsec: 40,
  nlink: 44,
} as const;

/** How an inode's bytes lie (EROFS_INODE_*). */
export const Layout = { flatPlain: 0, flatInline: 2, chunkBased: 4 } as const;
export type Layout = (typeof Layout)[keyof typeof Layout];

/** EROFS_FT_*, by the type bits of st_mode, shifted right by 12. */
export const fileTypes: Readonly<Record<number, number>> = {
  0o10: 1, // regular
  0o4: 2, // directory
  0o2: 3, // character device
  0o6: 4, // block device
  0o1: 5, // FIFO
  0o14: 6, // socket
  0o12: 7, // symlink
};
export const FT_DIR = 2;

/** EROFS_CHUNK_FORMAT_INDEXES. */
export const CHUNK_INDEXES = 0x20;

const MAGIC = 0xe0f5e1e2;
const COMPAT_SB_CHKSUM = 1;
const COMPAT_MTIME = 2;
const INCOMPAT_CHUNKED_FILE = 4;
const INCOMPAT_DEVICE_TABLE = 8;

export interface SuperblockFields {
  readonly rootNid: number;
  readonly inodes: number;
  /** Of the image file. */
  readonly blocks: number;
  readonly metaBlock: number;
  readonly xattrBlock: number;
  /** 16 bytes. */
  readonly uuid: Uint8Array;
  /** The blocks of each extra device. */
  readonly deviceBlocks: readonly number[];
}

/** The blocks from byte 0 up to the first part of the image, whole. */
export function encodeSuperblock(fields: SuperblockFields): Buffer {
  const { deviceBlocks } = fields;
  const bytes = Buffer.alloc(headLength(deviceBlocks.length));
  const at = SUPERBLOCK_OFFSET;
  bytes.writeUInt32LE(MAGIC, at + Superblock.magic);
  bytes.writeUInt32LE(COMPAT_SB_CHKSUM | COMPAT_MTIME, at + Superblock.featureCompat);
  bytes.writeUInt8(BLOCK_BITS, at + Superblock.blockBits);
  bytes.writeUInt16LE(fields.rootNid, at + Superblock.rootNid);
  bytes.writeBigUInt64LE(BigInt(fields.inodes), at + Superblock.inodes);
  bytes.writeUInt32LE(fields.blocks, at + Superblock.blocks);
  bytes.writeUInt32LE(fields.metaBlock, at + Superblock.metaBlock);
  bytes.writeUInt32LE(fields.xattrBlock, at + Superblock.xattrBlock);
  bytes.set(fields.uuid, at + Superblock.uuid);
  const incompat = INCOMPAT_CHUNKED_FILE | (deviceBlocks.length > 0 ? INCOMPAT_DEVICE_TABLE : 0);
  bytes.writeUInt32LE(incompat, at + Superblock.featureIncompat);
  bytes.writeUInt16LE(deviceBlocks.length, at + Superblock.extraDevices);
  bytes.writeUInt16LE((at + SUPERBLOCK_SIZE) / DEVICE_SLOT_SIZE, at + Superblock.deviceSlot);
  for (const [i, blocks] of deviceBlocks.entries()) {
    const slot = at + SUPERBLOCK_SIZE + i * DEVICE_SLOT_SIZE;
    bytes.writeUInt32LE(blocks, slot + DeviceSlot.blocks);
  }
  bytes.writeUInt32LE(crc32c(bytes.subarray(at, at + BLOCK)), at + Superblock.checksum);
  return bytes;
}

/** Bytes before the shared xattrs, a multiple of a block. */
export function headLength(devices: number): number {
  return alignUp(SUPERBLOCK_OFFSET + SUPERBLOCK_SIZE + devices * DEVICE_SLOT_SIZE, BLOCK);
}

/** `value` rounded up to a multiple of `unit`. */
export function alignUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
