// TreeTable: a view of the Tree's one ArrayBuffer. The table's header has the offsets; src/tree/layout.ts
// defines the columns, and a test compares `kTreeColumns` with it.
//
// `Open` refuses anything but a table of this version. A table from a file is then checked completely
// (tree_check.h); from then on arguments are trusted. Nothing here writes.
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
  // Size of an element.
  uint8_t bytes;
  enum Per : uint8_t { kInode, kDentry, kExtentNumber, kPoolByte, kXattrByte, kPerCount } per;
};
extern const TreeColumnRule kTreeColumns[kTreeColumnCount];

// The position of some bytes of a file, in one piece.
struct TableExtent {
  uint32_t layer;
  // In the layer's uncompressed blob; meaningless for a hole.
  uint64_t blob_offset;
  uint64_t length;
  bool is_hole;
};

class TreeTable {
 public:
  // False unless `bytes` are a table of this version whose columns lie inside it. They are aligned to 8 and
  // lent for the life of the view.
  bool Open(const uint8_t* bytes, size_t size);
  // From now on `marks`, a byte an inode, says which inodes are pristine, in place of the table's own column.
  // Lent in the same way.
  void UseMarks(const uint8_t* marks) { columns_[kPristine] = marks; }

  uint32_t inode_count() const { return static_cast<uint32_t>(counts_[TreeColumnRule::kInode]); }
  uint32_t dentry_count() const { return static_cast<uint32_t>(counts_[TreeColumnRule::kDentry]); }
  uint32_t layer_count() const { return layer_count_; }
  size_t extent_numbers() const { return counts_[TreeColumnRule::kExtentNumber]; }
  size_t pool_bytes() const { return counts_[TreeColumnRule::kPoolByte]; }
  size_t xattr_bytes() const { return counts_[TreeColumnRule::kXattrByte]; }
  // Some inode may have a POSIX ACL.
  bool has_posix_acl() const { return has_posix_acl_; }
  // Of the regular files, each inode once.
  double total_size() const { return total_size_; }

  // Inodes passed to the methods below are below inode_count().
  bool IsPristine(uint32_t inode) const { return column(kPristine)[inode] == 1; }
  uint32_t mode(uint32_t inode) const { return U32(kMode, inode); }
  uint32_t nlink(uint32_t inode) const { return U32(kNlink, inode); }
  uint32_t uid(uint32_t inode) const { return U32(kUid, inode); }
  uint32_t gid(uint32_t inode) const { return U32(kGid, inode); }
  int64_t mtime_sec(uint32_t inode) const { return static_cast<int64_t>(F64(kMtimeSec, inode)); }
  int64_t atime_sec(uint32_t inode) const { return static_cast<int64_t>(F64(kAtimeSec, inode)); }
  uint32_t mtime_nsec(uint32_t inode) const { return U32(kMtimeNsec, inode); }
  uint32_t atime_nsec(uint32_t inode) const { return U32(kAtimeNsec, inode); }
  // Bytes; of anything but a directory.
  uint64_t size(uint32_t inode) const { return static_cast<uint64_t>(F64(kSize, inode)); }
  // Stored bytes; of anything but a directory.
  uint64_t allocated(uint32_t inode) const;
  // Of a device, in new_encode_dev form.
  uint32_t rdev(uint32_t inode) const { return U32(kData, 2 * static_cast<size_t>(inode)); }

  // Raw values, for the check.
  uint8_t flags(uint32_t inode) const { return column(kFlags)[inode]; }
  uint16_t layer(uint32_t inode) const {
    return Load<uint16_t>(column(kLayer) + 2 * static_cast<size_t>(inode));
  }
  uint32_t xattr(uint32_t inode) const { return U32(kXattr, inode); }
  double size_number(uint32_t inode) const { return F64(kSize, inode); }
  double data_number(uint32_t inode) const { return F64(kData, inode); }
  double extent_number(size_t n) const { return F64(kExtents, n); }
  bool HasTimes(uint32_t inode) const;
  uint32_t name_offset(uint32_t dentry) const { return U32(kNameOffset, dentry); }
  size_t name_length(uint32_t dentry) const { return column(kNameLength)[dentry]; }
  const uint8_t* xattrs() const { return column(kXattrs); }

  // Of a directory.
  uint32_t parent(uint32_t inode) const { return U32(kSize, 2 * static_cast<size_t>(inode)); }
  uint32_t first_child(uint32_t inode) const { return U32(kData, 2 * static_cast<size_t>(inode)); }
  uint32_t child_count(uint32_t inode) const { return U32(kData, 2 * static_cast<size_t>(inode) + 1); }

  uint32_t target(uint32_t dentry) const { return U32(kTarget, dentry); }
  std::string_view name(uint32_t dentry) const {
    return View(column(kPool) + name_offset(dentry), name_length(dentry));
  }
  // The inode of a name in a directory, or -1.
  int64_t Find(uint32_t directory, std::string_view name) const;
  // The dentry of a name in a directory, or -1.
  int64_t FindDentry(uint32_t directory, std::string_view name) const;

  // Of a symlink.
  std::string_view link_target(uint32_t inode) const {
    return View(column(kPool) + static_cast<size_t>(F64(kData, inode)), static_cast<size_t>(size(inode)));
  }

  // Extended attributes. False if there is none, or no more; `Next` iterates.
  struct Xattr {
    std::string_view name;
    std::string_view value;
    // In the block: the start of the next one, and the number left.
    const uint8_t* next = nullptr;
    uint32_t left = 0;
  };
  Xattr xattrs(uint32_t inode) const;
  static bool Next(Xattr* xattr);

  // The position of at most `length` bytes of a regular file at `offset`, which is below its size.
  TableExtent Map(uint32_t inode, uint64_t offset, uint64_t length) const;

 private:
  const uint8_t* column(TreeColumn n) const { return columns_[n]; }
  uint32_t U32(TreeColumn n, size_t i) const { return Load<uint32_t>(columns_[n] + 4 * i); }
  double F64(TreeColumn n, size_t i) const { return Load<double>(columns_[n] + 8 * i); }
  bool is_sparse(uint32_t inode) const { return (column(kFlags)[inode] & 1) != 0; }

  // Bytes of the table.
  static std::string_view View(const uint8_t* at, size_t length) {
    return {reinterpret_cast<const char*>(at), length};
  }

  // Two columns are read with several types, by copies, which cost nothing.
  template <typename T>
  static T Load(const uint8_t* at) {
    T value;
    memcpy(&value, at, sizeof(value));
    return value;
  }

  const uint8_t* columns_[kTreeColumnCount] = {};
  // By the unit that a column has one element for.
  size_t counts_[TreeColumnRule::kPerCount] = {};
  uint32_t layer_count_ = 0;
  bool has_posix_acl_ = false;
  double total_size_ = 0;
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_TREE_TABLE_H_
