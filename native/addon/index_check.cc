#include "index_check.h"

#include <sys/stat.h>

namespace stratafs {

namespace {

// DentryKind of src/layer/layer-index.ts.
constexpr uint8_t kKindInode = 0;
constexpr uint8_t kKindWhiteout = 1;
constexpr uint8_t kKindLowerLink = 2;
// InodeFlag.
constexpr uint8_t kFlagSparse = 4;
constexpr uint8_t kFlagCleanTail = 16;
constexpr uint8_t kFileFlags = kFlagSparse | kFlagCleanTail;
constexpr uint8_t kDirectoryFlags = 1 | 2 | 8;
// An extent list: count; for each extent: offset, length, offset in the blob.
constexpr size_t kExtentNumbers = 3;

// A path without leading, doubled or trailing slash, without "." and ".." components, and without NUL.
bool IsNormalPath(std::string_view path) {
  if (path.empty()) return true;
  for (size_t start = 0; start <= path.size();) {
    const size_t slash = path.find('/', start);
    const size_t end = slash == std::string_view::npos ? path.size() : slash;
    if (!IsFileName(path.substr(start, end - start))) return false;
    start = end + 1;
  }
  return true;
}

class IndexCheck {
 public:
  explicit IndexCheck(const IndexTable& table)
      : table_(table),
        inodes_(table.counts[kIndexMode]),
        dentries_(table.counts[kIndexNameOffset]),
        pool_bytes_(table.counts[kIndexPool]),
        xattr_blocks_(table.counts[kIndexXattrs]),
        extent_lists_(table.counts[kIndexExtents]) {}

  TableFault Run() {
    if (!IsWhole(table_.tar_size)) return {"the size of the tar is wrong", 0};
    bool has_acl = false;
    if (TableFault fault = CheckXattrBlocks(table_.columns[kIndexXattrs], table_.counts[kIndexXattrs],
                                            &xattr_blocks_, &has_acl)) {
      return fault;
    }
    if (TableFault fault = CheckExtentLists()) return fault;
    if (TableFault fault = CheckDentries()) return fault;
    if (TableFault fault = CheckInodes()) return fault;
    return CheckLinks();
  }

 private:
  uint32_t U32(IndexColumn column, size_t n) const {
    return LoadElement<uint32_t>(table_.columns[column], n);
  }
  double F64(IndexColumn column, size_t n) const { return LoadElement<double>(table_.columns[column], n); }
  uint8_t U8(IndexColumn column, size_t n) const { return table_.columns[column][n]; }
  bool IsDirectory(size_t inode) const { return (U32(kIndexMode, inode) & S_IFMT) == S_IFDIR; }
  // Bytes of the pool.
  std::string_view Pool(size_t offset, size_t length) const {
    return {reinterpret_cast<const char*>(table_.columns[kIndexPool]) + offset, length};
  }

  TableFault CheckExtentLists() {
    const size_t numbers = table_.counts[kIndexExtents];
    for (size_t at = 0; at < numbers;) {
      const size_t list = at;
      const double count = F64(kIndexExtents, at++);
      if (!IsWhole(count, static_cast<double>((numbers - at) / kExtentNumbers))) {
        return {"a list of extents has a wrong count", list};
      }
      extent_lists_.Add(list);
      double end = 0;
      for (size_t i = 0; i < static_cast<size_t>(count); i++, at += kExtentNumbers) {
        const double offset = F64(kIndexExtents, at);
        const double length = F64(kIndexExtents, at + 1);
        const bool is_range =
            IsRange(offset, length) && IsRange(F64(kIndexExtents, at + 2), length, table_.tar_size);
        if (!is_range || offset < end) return {"a list has a wrong extent", list};
        end = offset + length;
      }
    }
    return {};
  }

  TableFault CheckDentries() {
    if (dentries_ == 0 || inodes_ == 0 || !IsDirectory(0)) return {"there is no root", 0};
    const bool is_root = U8(kIndexDentryKind, 0) == kKindInode && U32(kIndexDentryTarget, 0) == 0 &&
                         U8(kIndexNameLength, 0) == 0 && U32(kIndexNameOffset, 0) == 0;
    if (!is_root) return {"the first entry is not the root", 0};
    size_t next_child = 1;
    for (size_t dentry = 0; dentry < dentries_; dentry++) {
      // Only entries that a directory has claimed can be reached.
      if (dentry >= next_child) return {"an entry is in no directory", dentry};
      if (dentry != 0) {
        if (TableFault fault = CheckName(dentry)) return fault;
      }
      const uint32_t target = U32(kIndexDentryTarget, dentry);
      switch (U8(kIndexDentryKind, dentry)) {
        case kKindInode:
          if (target > next_inode_ || target >= inodes_) return {"an entry leads nowhere", dentry};
          if (target < next_inode_) {
            if (IsDirectory(target)) return {"a directory has two names", dentry};
            break;
          }
          next_inode_++;
          if (IsDirectory(target)) {
            const uint32_t count = U32(kIndexChildCount, target);
            if (U32(kIndexFirstChild, target) != next_child || count > dentries_ - next_child) {
              return {"a directory's entries are not where they must be", target};
            }
            if (TableFault fault = CheckOrder(next_child, count)) return fault;
            next_child += count;
          }
          break;
        case kKindWhiteout:
          if (target != 0) return {"a whiteout has a target", dentry};
          break;
        case kKindLowerLink:
          if (target >= table_.counts[kIndexLinks] / 2) return {"a link has no target", dentry};
          break;
        default:
          return {"an entry has an unknown kind", dentry};
      }
    }
    if (next_inode_ != inodes_) return {"an inode has no name", next_inode_};
    return {};
  }

  TableFault CheckName(size_t dentry) {
    const size_t length = U8(kIndexNameLength, dentry);
    if (U32(kIndexNameOffset, dentry) != pool_end_ || length > pool_bytes_ - pool_end_) {
      return {"a name is not where it must be", dentry};
    }
    if (!IsFileName(Pool(pool_end_, length))) return {"a name is not a file name", dentry};
    pool_end_ += length;
    return {};
  }

  // Checks that the names of a directory ascend. The names exist, but are not checked otherwise yet.
  TableFault CheckOrder(size_t first, size_t count) {
    std::string_view before;
    for (size_t dentry = first; dentry < first + count; dentry++) {
      const size_t offset = U32(kIndexNameOffset, dentry);
      const size_t length = U8(kIndexNameLength, dentry);
      if (offset > pool_bytes_ || length > pool_bytes_ - offset) {
        return {"a name is not where it must be", dentry};
      }
      const std::string_view name = Pool(offset, length);
      if (dentry > first && before.compare(name) >= 0) return {"names are not in order", dentry};
      before = name;
    }
    return {};
  }

  TableFault CheckInodes() {
    for (size_t inode = 0; inode < inodes_; inode++) {
      if (!HasType(U32(kIndexMode, inode))) return {"an inode has no type", inode};
      if (!IsTime(F64(kIndexMtimeSec, inode), U32(kIndexMtimeNsec, inode)) ||
          !IsTime(F64(kIndexAtimeSec, inode), U32(kIndexAtimeNsec, inode))) {
        return {"an inode has a wrong time", inode};
      }
      const uint32_t xattr = U32(kIndexXattr, inode);
      if (xattr != 0 && !xattr_blocks_.Has(xattr - 1)) return {"an inode's xattrs do not exist", inode};
      if (TableFault fault = CheckContent(inode)) return fault;
    }
    return {};
  }

  TableFault CheckContent(size_t inode) {
    const uint32_t type = U32(kIndexMode, inode) & S_IFMT;
    const uint8_t flags = U8(kIndexInodeFlags, inode);
    const uint8_t allowed = type == S_IFREG ? kFileFlags : type == S_IFDIR ? kDirectoryFlags : 0;
    if ((flags & ~allowed) != 0 || flags == kFileFlags) return {"an inode has a wrong flag", inode};
    if (type == S_IFDIR) return {};
    if (U32(kIndexFirstChild, inode) != 0 || U32(kIndexChildCount, inode) != 0) {
      return {"a file other than a directory has entries", inode};
    }
    const double size = F64(kIndexSize, inode);
    const double data = F64(kIndexDataOffset, inode);
    if (!IsWhole(size) || !IsWhole(data)) return {"an inode has a wrong size", inode};
    if (type == S_IFLNK) return CheckTarget(inode, size, data);
    if (type != S_IFREG) {
      return size == 0 && data == 0 ? TableFault{} : TableFault{"a special file has bytes", inode};
    }
    if ((flags & kFlagSparse) == 0) {
      return IsRange(data, size, table_.tar_size) ? TableFault{}
                                                  : TableFault{"a file's bytes are nowhere", inode};
    }
    return CheckSparse(inode, size, data);
  }

  TableFault CheckTarget(size_t inode, double size, double data) {
    if (size == 0 || size > static_cast<double>(kMaxTarget)) {
      return {"a symlink's target has a wrong length", inode};
    }
    const size_t length = static_cast<size_t>(size);
    if (data != static_cast<double>(pool_end_) || length > pool_bytes_ - pool_end_) {
      return {"a symlink's target is not where it must be", inode};
    }
    if (Pool(pool_end_, length).find('\0') != std::string_view::npos) {
      return {"a symlink's target has a NUL", inode};
    }
    pool_end_ += length;
    return {};
  }

  TableFault CheckSparse(size_t inode, double size, double data) {
    if (data >= static_cast<double>(table_.counts[kIndexExtents]) ||
        !extent_lists_.Has(static_cast<size_t>(data))) {
      return {"a sparse file's extents do not exist", inode};
    }
    const size_t list = static_cast<size_t>(data);
    const size_t count = static_cast<size_t>(F64(kIndexExtents, list));
    if (count == 0) return {};
    const size_t last = list + 1 + kExtentNumbers * (count - 1);
    const bool is_within = F64(kIndexExtents, last) + F64(kIndexExtents, last + 1) <= size;
    return is_within ? TableFault{} : TableFault{"a sparse file's extents leave it", inode};
  }

  TableFault CheckLinks() {
    const size_t numbers = table_.counts[kIndexLinks];
    if (numbers % 2 != 0) return {"links are not pairs", 0};
    for (size_t n = 0; n < numbers; n += 2) {
      const size_t length = U32(kIndexLinks, n + 1);
      if (U32(kIndexLinks, n) != pool_end_ || length > pool_bytes_ - pool_end_ || length > kMaxTarget) {
        return {"a link's target is not where it must be", n / 2};
      }
      if (!IsNormalPath(Pool(pool_end_, length))) return {"a link's target is not a path", n / 2};
      pool_end_ += length;
    }
    if (pool_end_ != pool_bytes_) return {"names and targets do not fill their column", 0};
    return {};
  }

  const IndexTable& table_;
  const size_t inodes_;
  const size_t dentries_;
  const size_t pool_bytes_;
  Starts xattr_blocks_;
  Starts extent_lists_;
  // The counts so far: everything found is below them.
  size_t next_inode_ = 0;
  size_t pool_end_ = 0;
};

}  // namespace

const IndexColumnRule kIndexColumns[kIndexColumnCount] = {
    {"size", 8, IndexColumnRule::kInode},        {"mtimeSec", 8, IndexColumnRule::kInode},
    {"atimeSec", 8, IndexColumnRule::kInode},    {"dataOffset", 8, IndexColumnRule::kInode},
    {"extents", 8, IndexColumnRule::kOther},     {"mode", 4, IndexColumnRule::kInode},
    {"uid", 4, IndexColumnRule::kInode},         {"gid", 4, IndexColumnRule::kInode},
    {"rdev", 4, IndexColumnRule::kInode},        {"mtimeNsec", 4, IndexColumnRule::kInode},
    {"atimeNsec", 4, IndexColumnRule::kInode},   {"firstChild", 4, IndexColumnRule::kInode},
    {"childCount", 4, IndexColumnRule::kInode},  {"xattr", 4, IndexColumnRule::kInode},
    {"nameOffset", 4, IndexColumnRule::kDentry}, {"dentryTarget", 4, IndexColumnRule::kDentry},
    {"links", 4, IndexColumnRule::kOther},       {"inodeFlags", 1, IndexColumnRule::kInode},
    {"nameLength", 1, IndexColumnRule::kDentry}, {"dentryKind", 1, IndexColumnRule::kDentry},
    {"pool", 1, IndexColumnRule::kOther},        {"xattrs", 1, IndexColumnRule::kOther},
};

bool IndexTable::HasEqualColumns() const {
  for (size_t n = 0; n < kIndexColumnCount; n++) {
    const IndexColumnRule::Per per = kIndexColumns[n].per;
    if (per == IndexColumnRule::kInode && counts[n] != counts[kIndexMode]) return false;
    if (per == IndexColumnRule::kDentry && counts[n] != counts[kIndexNameOffset]) return false;
  }
  return true;
}

TableFault CheckIndex(const IndexTable& table) { return IndexCheck(table).Run(); }

}  // namespace stratafs
