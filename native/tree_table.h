// TreeTable: a view of the Tree's one ArrayBuffer. Offsets are taken from the table's header; what the
// columns mean, src/tree/layout.ts says, and `kTreeColumns` is held to it by a test.
//
// The table is made by this process's own TypeScript: `Open` refuses what is no such table, and arguments are
// trusted from then on. Nothing here writes.
#ifndef STRATAFS_NATIVE_TREE_TABLE_H_
#define STRATAFS_NATIVE_TREE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace stratafs {

// In the order of layout.ts.
enum TreeColumn : size_t {
  kSize,
  kData,
  kMtimeSec,
  kAtimeSec,
  kExtents,
  kMtimeNsec,
  kAtimeNsec,
  kMode,
  kUid,
  kGid,
  kXattr,
  kNlink,
  kNameOffset,
  kTarget,
  kLayer,
  kFlags,
  kPristine,
  kNameLength,
  kPool,
  kXattrs,
  kTreeColumnCount,
};

struct TreeColumnRule {
  const char* name;
  // Of an element.
  uint8_t bytes;
  enum Per : uint8_t { kInode, kDentry, kOther } per;
};
extern const TreeColumnRule kTreeColumns[kTreeColumnCount];

// Where bytes of a file lie, in one piece.
struct TableExtent {
  uint32_t layer;
  // In the layer's uncompressed blob; meaningless of a hole.
  uint64_t blob_offset;
  uint64_t length;
  bool is_hole;
};

class TreeTable {
 public:
  // False where `bytes`, aligned to 8 and lent for the view's life, are no table of this version.
  bool Open(const uint8_t* bytes, size_t size);

  uint32_t inode_count() const { return inode_count_; }

  // Inodes below are below inode_count().
  bool IsPristine(uint32_t inode) const { return column(kPristine)[inode] == 1; }
  uint32_t mode(uint32_t inode) const { return U32(kMode, inode); }
  uint32_t nlink(uint32_t inode) const { return U32(kNlink, inode); }
  uint32_t uid(uint32_t inode) const { return U32(kUid, inode); }
  uint32_t gid(uint32_t inode) const { return U32(kGid, inode); }
  int64_t mtime_sec(uint32_t inode) const { return static_cast<int64_t>(F64(kMtimeSec, inode)); }
  int64_t atime_sec(uint32_t inode) const { return static_cast<int64_t>(F64(kAtimeSec, inode)); }
  uint32_t mtime_nsec(uint32_t inode) const { return U32(kMtimeNsec, inode); }
  uint32_t atime_nsec(uint32_t inode) const { return U32(kAtimeNsec, inode); }
  // Of what is no directory: bytes.
  uint64_t size(uint32_t inode) const { return static_cast<uint64_t>(F64(kSize, inode)); }
  // Of what is no directory: bytes that are stored.
  uint64_t allocated(uint32_t inode) const;
  // Of a device, in new_encode_dev form.
  uint32_t rdev(uint32_t inode) const { return U32(kData, 2 * static_cast<size_t>(inode)); }

  // Of a directory.
  uint32_t parent(uint32_t inode) const { return U32(kSize, 2 * static_cast<size_t>(inode)); }
  uint32_t first_child(uint32_t inode) const { return U32(kData, 2 * static_cast<size_t>(inode)); }
  uint32_t child_count(uint32_t inode) const { return U32(kData, 2 * static_cast<size_t>(inode) + 1); }

  uint32_t target(uint32_t dentry) const { return U32(kTarget, dentry); }
  std::string_view name(uint32_t dentry) const {
    return View(column(kPool) + U32(kNameOffset, dentry), column(kNameLength)[dentry]);
  }
  // The inode of a name in a directory, or -1.
  int64_t Find(uint32_t directory, std::string_view name) const;

  // Of a symlink.
  std::string_view link_target(uint32_t inode) const {
    return View(column(kPool) + static_cast<size_t>(F64(kData, inode)), static_cast<size_t>(size(inode)));
  }

  // Extended attributes: false where there is none, or no more. `Next` goes through them all.
  struct Xattr {
    std::string_view name;
    std::string_view value;
    // Of the block: where the next one begins, and how many are left.
    const uint8_t* next = nullptr;
    uint32_t left = 0;
  };
  Xattr xattrs(uint32_t inode) const;
  static bool Next(Xattr* xattr);

  // Where at most `length` bytes of a regular file at `offset`, which is below its size, lie.
  TableExtent Map(uint32_t inode, uint64_t offset, uint64_t length) const;

 private:
  const uint8_t* column(TreeColumn n) const { return columns_[n]; }
  uint32_t U32(TreeColumn n, size_t i) const { return Load<uint32_t>(columns_[n] + 4 * i); }
  double F64(TreeColumn n, size_t i) const { return Load<double>(columns_[n] + 8 * i); }
  bool is_sparse(uint32_t inode) const { return (column(kFlags)[inode] & 1) != 0; }

  // Bytes that lie in the table.
  static std::string_view View(const uint8_t* at, size_t length) {
    return {reinterpret_cast<const char*>(at), length};
  }

  // Two columns are read as different types: that is done by copies, which cost nothing.
  template <typename T>
  static T Load(const uint8_t* at) {
    T value;
    memcpy(&value, at, sizeof(value));
    return value;
  }

  const uint8_t* columns_[kTreeColumnCount] = {};
  uint32_t inode_count_ = 0;
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_TREE_TABLE_H_
