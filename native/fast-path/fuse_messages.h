// The FUSE messages that native code reads and writes (linux/fuse.h, 7.31 up to 7.45): structures with
// asserted sizes, and the opcodes. src/fuse/wire/protocol.ts has the whole protocol; the differential test
// compares the bytes of both.
#ifndef STRATAFS_NATIVE_FUSE_MESSAGES_H_
#define STRATAFS_NATIVE_FUSE_MESSAGES_H_

#include <cstdint>

namespace stratafs {

enum class Opcode : uint32_t {
  kLookup = 1,
  kForget = 2,
  kGetattr = 3,
  kReadlink = 5,
  kOpen = 14,
  kRead = 15,
  kStatfs = 17,
  kRelease = 18,
  kGetxattr = 22,
  kListxattr = 23,
  kInit = 26,
  kReaddir = 28,
  kInterrupt = 36,
  kBatchForget = 42,
  kReaddirplus = 44,
  kStatx = 52,  // 7.39
};

// One more than the largest of them.
constexpr uint32_t kOpcodeCount = 53;

struct InHeader {
  uint32_t length;
  uint32_t opcode;
  uint64_t unique;
  uint64_t node;
  uint32_t uid;
  uint32_t gid;
  uint32_t pid;
  uint16_t extension_length;  // in 8 bytes (7.38)
  uint16_t padding;
};
static_assert(sizeof(InHeader) == 40, "fuse_in_header is 40 bytes");

// The error is a negative errno or 0.
struct OutHeader {
  uint32_t length;
  int32_t error;
  uint64_t unique;
};
static_assert(sizeof(OutHeader) == 16, "fuse_out_header is 16 bytes");

// A notice has no unique, and its code in place of the error.
constexpr int32_t kNotifyInvalInode = 2;

// fuse_notify_inval_inode_out: the kernel drops attributes, and the pages of a range.
struct InvalInodeOut {
  uint64_t node;
  int64_t offset;
  int64_t length;
};
static_assert(sizeof(InvalInodeOut) == 24, "fuse_notify_inval_inode_out is 24 bytes");

// fuse_init_in up to 7.35; later fields are ignored.
struct InitIn {
  uint32_t major;
  uint32_t minor;
  uint32_t max_readahead;
  uint32_t flags;
};
static_assert(sizeof(InitIn) == 16, "fuse_init_in begins with 16 bytes");

struct InitOut {
  uint32_t major;
  uint32_t minor;
  uint32_t max_readahead;
  uint32_t flags;
  uint16_t max_background;
  uint16_t congestion_threshold;
  uint32_t max_write;
  // Nanoseconds.
  uint32_t time_granularity;
  uint16_t max_pages;
  uint16_t map_alignment;
  uint32_t flags2;           // 7.36
  uint32_t max_stack_depth;  // 7.40
  uint16_t request_timeout;  // 7.43
  uint16_t unused[11];
};
static_assert(sizeof(InitOut) == 64, "fuse_init_out is 64 bytes");

struct FuseAttr {
  uint64_t ino;
  uint64_t size;
  uint64_t blocks;
  int64_t atime;
  int64_t mtime;
  int64_t ctime;
  uint32_t atime_nsec;
  uint32_t mtime_nsec;
  uint32_t ctime_nsec;
  uint32_t mode;
  uint32_t nlink;
  uint32_t uid;
  uint32_t gid;
  uint32_t rdev;
  uint32_t blksize;
  uint32_t flags;
};
static_assert(sizeof(FuseAttr) == 88, "fuse_attr is 88 bytes");

// Validity times are in seconds.
struct EntryOut {
  uint64_t node;
  uint64_t generation;
  uint64_t entry_valid;
  uint64_t attr_valid;
  uint32_t entry_valid_nsec;
  uint32_t attr_valid_nsec;
  FuseAttr attr;
};
static_assert(sizeof(EntryOut) == 128, "fuse_entry_out is 128 bytes");

struct AttrOut {
  uint64_t attr_valid;
  uint32_t attr_valid_nsec;
  uint32_t padding;
  FuseAttr attr;
};
static_assert(sizeof(AttrOut) == 104, "fuse_attr_out is 104 bytes");

struct StatxTime {
  int64_t seconds;
  uint32_t nanoseconds;
  int32_t reserved;
};

struct StatxOut {
  uint64_t attr_valid;
  uint32_t attr_valid_nsec;
  uint32_t flags;
  uint64_t spare[2];
  // struct fuse_statx from here on.
  uint32_t mask;
  uint32_t blksize;
  uint64_t attributes;
  uint32_t nlink;
  uint32_t uid;
  uint32_t gid;
  uint16_t mode;
  uint16_t padding;
  uint64_t ino;
  uint64_t size;
  uint64_t blocks;
  uint64_t attributes_mask;
  StatxTime atime;
  StatxTime btime;
  StatxTime ctime;
  StatxTime mtime;
  uint32_t rdev_major;
  uint32_t rdev_minor;
  uint32_t dev_major;
  uint32_t dev_minor;
  uint64_t spare2[14];
};
static_assert(sizeof(StatxOut) == 288, "fuse_statx_out is 288 bytes");

struct OpenIn {
  uint32_t flags;
  uint32_t open_flags;
};
static_assert(sizeof(OpenIn) == 8, "fuse_open_in is 8 bytes");

struct OpenOut {
  uint64_t handle;
  uint32_t open_flags;
  int32_t backing_id;
};
static_assert(sizeof(OpenOut) == 16, "fuse_open_out is 16 bytes");

// Of READ, READDIR and READDIRPLUS; for a directory the offset is the cookie.
struct ReadIn {
  uint64_t handle;
  uint64_t offset;
  uint32_t size;
  uint32_t read_flags;
  uint64_t lock_owner;
  uint32_t flags;
  uint32_t padding;
};
static_assert(sizeof(ReadIn) == 40, "fuse_read_in is 40 bytes");

// The name follows, padded to 8 bytes.
struct Dirent {
  uint64_t ino;
  uint64_t offset;
  uint32_t name_length;
  uint32_t type;
};
static_assert(sizeof(Dirent) == 24, "fuse_dirent is 24 bytes without its name");

// Follows fuse_batch_forget_in (count u32, dummy u32), count times.
struct ForgetOne {
  uint64_t node;
  uint64_t lookups;
};
static_assert(sizeof(ForgetOne) == 16, "fuse_forget_one is 16 bytes");

// fuse_getxattr_in; for GETXATTR the name follows.
struct XattrIn {
  uint32_t size;
  uint32_t padding;
};
static_assert(sizeof(XattrIn) == 8, "fuse_getxattr_in is 8 bytes");

struct XattrOut {
  uint32_t size;
  uint32_t padding;
};
static_assert(sizeof(XattrOut) == 8, "fuse_getxattr_out is 8 bytes");

constexpr uint32_t kStatfsOutSize = 80;
constexpr uint32_t kGetattrInSize = 16;
constexpr uint32_t kStatxInSize = 24;
constexpr uint32_t kReleaseInSize = 24;
constexpr uint32_t kForgetInSize = 8;

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_FUSE_MESSAGES_H_
