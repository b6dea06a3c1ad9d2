#include "tree_check.h"

#include <sys/stat.h>

namespace stratafs {

namespace {

// TableFlag of src/tree/layout.ts.
constexpr uint8_t kSparse = 1;
constexpr uint8_t kCleanTail = 16;
// src/tree/extents.ts: count and sum of lengths; for each extent: offset, length, offset in the blob.
constexpr size_t kListHeader = 2;
constexpr size_t kExtentNumbers = 3;

class TreeCheck {
 public:
  explicit TreeCheck(const TreeTable& table)
      : table_(table), names_(table.inode_count()), xattr_blocks_(table.xattr_bytes()) {}

  TableFault Run() {
    if (table_.inode_count() == 0) return {"there is no root", 0};
    // An image without layers has a root too.
    layers_ = table_.layer_count() == 0 && table_.inode_count() == 1 ? 1 : table_.layer_count();
    bool has_acl = false;
    if (TableFault fault =
            CheckXattrBlocks(table_.xattrs(), table_.xattr_bytes(), &xattr_blocks_, &has_acl)) {
      return fault;
    }
    if (has_acl && !table_.has_posix_acl()) return {"an ACL is not announced", 0};
    if (TableFault fault = CheckDirectories()) return fault;
    if (TableFault fault = CheckInodes()) return fault;
    if (pool_end_ != table_.pool_bytes()) return {"names and targets do not fill their column", 0};
    if (extents_end_ != table_.extent_numbers()) return {"extent lists do not fill their column", 0};
    if (total_size_ != table_.total_size()) return {"the sum of sizes is wrong", 0};
    return {};
  }

 private:
  bool IsDirectory(uint32_t inode) const { return (table_.mode(inode) & S_IFMT) == S_IFDIR; }

  TableFault CheckDirectories() {
    if (!IsDirectory(0) || table_.parent(0) != 0) return {"the root is not a directory", 0};
    const uint32_t inodes = table_.inode_count();
    const uint32_t dentries = table_.dentry_count();
    for (uint32_t directory = 0; directory < inodes; directory++) {
      if (!IsDirectory(directory)) continue;
      if (directory >= next_inode_) return {"a directory is in no directory", directory};
      const uint32_t count = table_.child_count(directory);
      if (table_.first_child(directory) != next_dentry_ || count > dentries - next_dentry_) {
        return {"a directory's entries are not where they must be", directory};
      }
      uint32_t links = 2;
      for (uint32_t end = next_dentry_ + count; next_dentry_ < end; next_dentry_++) {
        const bool is_first = next_dentry_ == table_.first_child(directory);
        if (TableFault fault = CheckDentry(directory, is_first, &links)) return fault;
      }
      if (table_.nlink(directory) != links) return {"a directory's link count is wrong", directory};
    }
    if (next_dentry_ != dentries) return {"a name is in no directory", next_dentry_};
    if (next_inode_ != inodes) return {"an inode has no name", next_inode_};
    return {};
  }

  // Checks the dentry next_dentry_ of a directory.
  TableFault CheckDentry(uint32_t directory, bool is_first, uint32_t* links) {
    const uint32_t dentry = next_dentry_;
    const size_t length = table_.name_length(dentry);
    if (table_.name_offset(dentry) != pool_end_ || length > table_.pool_bytes() - pool_end_) {
      return {"a name is not where it must be", dentry};
    }
    pool_end_ += length;
    const std::string_view name = table_.name(dentry);
    if (!IsFileName(name)) return {"a name is not a file name", dentry};
    if (!is_first && table_.name(dentry - 1).compare(name) >= 0) return {"names are not in order", dentry};
    const uint32_t target = table_.target(dentry);
    if (target > next_inode_ || target >= table_.inode_count()) return {"a name leads nowhere", dentry};
    const bool is_directory = IsDirectory(target);
    if (target < next_inode_) {
      if (is_directory) return {"a directory has two names", dentry};
    } else {
      next_inode_++;
      if (is_directory && table_.parent(target) != directory)
        return {"a directory's parent is wrong", target};
    }
    if (is_directory) (*links)++;
    names_[target]++;
    return {};
  }

  TableFault CheckInodes() {
    for (uint32_t inode = 0; inode < table_.inode_count(); inode++) {
      if (!HasType(table_.mode(inode))) return {"an inode has no type", inode};
      if (!table_.HasTimes(inode)) return {"an inode has a wrong time", inode};
      if (table_.layer(inode) >= layers_) return {"an inode's layer does not exist", inode};
      if (!table_.IsPristine(inode)) return {"an inode is not as it was merged", inode};
      const uint32_t xattr = table_.xattr(inode);
      if (xattr != 0 && !xattr_blocks_.Has(xattr - 1)) return {"an inode's xattrs do not exist", inode};
      if (!IsDirectory(inode) && table_.nlink(inode) != names_[inode]) {
        return {"a link count is wrong", inode};
      }
      if (TableFault fault = CheckContent(inode)) return fault;
    }
    return {};
  }

  TableFault CheckContent(uint32_t inode) {
    const uint32_t type = table_.mode(inode) & S_IFMT;
    const uint8_t flags = table_.flags(inode);
    const bool is_file_flag = flags == kSparse || flags == kCleanTail;
    if (flags != 0 && !(is_file_flag && type == S_IFREG)) return {"an inode has a wrong flag", inode};
    switch (type) {
      case S_IFDIR:
        return {};
      case S_IFREG:
        total_size_ += table_.size_number(inode);
        if (flags == kSparse) return CheckExtents(inode);
        if (!IsRange(table_.data_number(inode), table_.size_number(inode))) {
          return {"a file's bytes are nowhere", inode};
        }
        return {};
      case S_IFLNK:
        return CheckTarget(inode);
      default:
        // A device's number can have any value.
        return table_.size_number(inode) == 0 ? TableFault{} : TableFault{"a special file has a size", inode};
    }
  }

  TableFault CheckTarget(uint32_t inode) {
    const double size = table_.size_number(inode);
    const size_t left = table_.pool_bytes() - pool_end_;
    if (!IsWhole(size, kMaxTarget) || size == 0) return {"a symlink's target has a wrong length", inode};
    if (table_.data_number(inode) != static_cast<double>(pool_end_) || size > static_cast<double>(left)) {
      return {"a symlink's target is not where it must be", inode};
    }
    const std::string_view target = table_.link_target(inode);
    if (memchr(target.data(), 0, target.size()) != nullptr) return {"a symlink's target has a NUL", inode};
    pool_end_ += target.size();
    return {};
  }

  TableFault CheckExtents(uint32_t inode) {
    const double size = table_.size_number(inode);
    const size_t left = table_.extent_numbers() - extents_end_;
    if (!IsWhole(size) || table_.data_number(inode) != static_cast<double>(extents_end_) ||
        left < kListHeader) {
      return {"a sparse file's extents are not where they must be", inode};
    }
    const double count = table_.extent_number(extents_end_);
    if (!IsWhole(count, static_cast<double>((left - kListHeader) / kExtentNumbers))) {
      return {"a sparse file has a wrong count of extents", inode};
    }
    double end = 0;
    double sum = 0;
    size_t at = extents_end_ + kListHeader;
    for (size_t i = 0; i < static_cast<size_t>(count); i++, at += kExtentNumbers) {
      const double offset = table_.extent_number(at);
      const double length = table_.extent_number(at + 1);
      const bool is_range = IsRange(offset, length, size) && IsRange(table_.extent_number(at + 2), length);
      if (!is_range || length == 0 || offset < end) return {"a sparse file has a wrong extent", inode};
      end = offset + length;
      sum += length;
    }
    if (table_.extent_number(extents_end_ + 1) != sum) {
      return {"a sparse file has a wrong sum of extents", inode};
    }
    extents_end_ = at;
    return {};
  }

  const TreeTable& table_;
  // By inode: names found so far.
  std::vector<uint32_t> names_;
  Starts xattr_blocks_;
  uint32_t layers_ = 0;
  // The counts so far, with the root: everything found is below them.
  uint32_t next_inode_ = 1;
  uint32_t next_dentry_ = 0;
  size_t pool_end_ = 0;
  size_t extents_end_ = 0;
  double total_size_ = 0;
};

}  // namespace

TableFault CheckTree(const TreeTable& table) { return TreeCheck(table).Run(); }

}  // namespace stratafs
