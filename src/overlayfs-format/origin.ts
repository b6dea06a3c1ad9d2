// overlay.origin: which lower inode an upper file is a copy of, in kernel overlayfs's own form.
//
// struct ovl_fb (fs/overlayfs/overlayfs.h, Linux 4.12 on), as we write it, 29 bytes:
// | offset | size | name    | meaning                                                        |
// | ---    | ---  | ---     | ---                                                            |
// | 0      | 1    | version | 0                                                              |
// | 1      | 1    | magic   | 0xfb                                                           |
// | 2      | 1    | len     | bytes of the whole                                             |
// | 3      | 1    | flags   | bit 0: big-endian, bit 1: any byte order, bit 2: of the upper  |
// | 4      | 1    | type    | of the file handle; ours: 0xf5, which no file system has       |
// | 5      | 16   | uuid    | of the lower file system; ours: the identity of the layers     |
// | 21     | 4    | fid     | the tree's inode, little-endian                                |
// | 25     | 4    |         | 0: the kernel's handles have at least 8 bytes                  |
//
// The kernel takes no notice of an origin whose uuid is none of its lower file systems'.

const LENGTH = 29;
const MAGIC = 0xfb;
const ANY_ENDIAN = 2;
const TYPE = 0xf5;

/** The value for a copy of the tree's inode `lower`. `identity`: 16 bytes. */
export function encodeOrigin(identity: Uint8Array, lower: number): Uint8Array {
  const value = Buffer.alloc(LENGTH);
  value.set([0, MAGIC, LENGTH, ANY_ENDIAN, TYPE]);
  value.set(identity, 5);
  value.writeUInt32LE(lower, 21);
  return value;
}

/** The UUID of the file system that an origin names, 16 bytes; undefined if `value` is none. */
export function uuidOfOrigin(value: Buffer): Buffer | undefined {
  return value.length >= 21 && value[1] === MAGIC ? value.subarray(5, 21) : undefined;
}

/** The tree's inode that `value` names; -1 where it is not of our writing over these layers. Nothing is checked of it. */
export function decodeOrigin(identity: Uint8Array, value: Buffer): number {
  if (value.length !== LENGTH || value[1] !== MAGIC || value[4] !== TYPE) return -1;
  return value.subarray(5, 21).equals(identity) ? value.readUInt32LE(21) : -1;
}
