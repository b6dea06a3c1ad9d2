#include "tree_table.h"

#include <algorithm>

#include "table_rules.h"

namespace stratafs {

namespace {

constexpr uint32_t kMagic = 0x54525453;  // "STRT"
constexpr uint32_t kVersion = 3;
constexpr size_t kHeaderSize = 256;
constexpr size_t kColumnOffsets = 40;
// After the offsets of the columns: the counts of extent numbers, pool bytes and xattr bytes.
constexpr size_t kFurtherCounts = kColumnOffsets + 8 * kTreeColumnCount;

// An extent list (src/tree/extents.ts), in numbers: count, sum of lengths, then offset, length and offset in
// the blob for each extent.
constexpr size_t kListHeader = 2;
constexpr size_t kExtentNumbers = 3;

// An xattr block (src/tree/xattrs.ts): u16 count; for each: u8 name length, u32 value length, name, value.
constexpr size_t kXattrHeader = 5;

}  // namespace

const TreeColumnRule kTreeColumns[kTreeColumnCount] = {
    {"size", 8, TreeColumnRule::kInode},
    {"data", 8, TreeColumnRule::kInode},
    {"mtimeSec", 8, TreeColumnRule::kInode},
    {"atimeSec", 8, TreeColumnRule::kInode},
    {"extents", 8, TreeColumnRule::kExtentNumber},
    {"mtimeNsec", 4, TreeColumnRule::kInode},
    {"atimeNsec", 4, TreeColumnRule::kInode},
    {"mode", 4, TreeColumnRule::kInode},
    {"uid", 4, TreeColumnRule::kInode},
    {"gid", 4, TreeColumnRule::kInode},
    {"xattr", 4, TreeColumnRule::kInode},
    {"nlink", 4, TreeColumnRule::kInode},
    {"nameOffset", 4, TreeColumnRule::kDentry},
    {"target", 4, TreeColumnRule::kDentry},
    {"layer", 2, TreeColumnRule::kInode},
    {"flags", 1, TreeColumnRule::kInode},
    {"pristine", 1, TreeColumnRule::kInode},
    {"nameLength", 1, TreeColumnRule::kDentry},
    {"pool", 1, TreeColumnRule::kPoolByte},
    {"xattrs", 1, TreeColumnRule::kXattrByte},
};

bool TreeTable::Open(const uint8_t* bytes, size_t size) {
  if (size < kHeaderSize || Load<uint32_t>(bytes) != kMagic || Load<uint32_t>(bytes + 4) != kVersion) {
    return false;
  }
  if (Load<double>(bytes + 32) != static_cast<double>(size)) return false;
  counts_[TreeColumnRule::kInode] = Load<uint32_t>(bytes + 8);
  counts_[TreeColumnRule::kDentry] = Load<uint32_t>(bytes + 12);
  layer_count_ = Load<uint32_t>(bytes + 16);
  has_posix_acl_ = Load<uint32_t>(bytes + 20) != 0;
  total_size_ = Load<double>(bytes + 24);
  for (size_t per = TreeColumnRule::kExtentNumber; per < TreeColumnRule::kPerCount; per++) {
    const double count = Load<double>(bytes + kFurtherCounts + 8 * (per - TreeColumnRule::kExtentNumber));
    if (!IsWhole(count, static_cast<double>(size))) return false;
    counts_[per] = static_cast<size_t>(count);
  }
  size_t end = kHeaderSize;
  for (size_t n = 0; n < kTreeColumnCount; n++) {
    const double offset = Load<double>(bytes + kColumnOffsets + 8 * n);
    if (!(offset >= static_cast<double>(end) && offset <= static_cast<double>(size))) return false;
    const size_t begin = static_cast<size_t>(offset);
    const TreeColumnRule& rule = kTreeColumns[n];
    const size_t count = counts_[rule.per];
    if (begin % 8 != 0 || count > (size - begin) / rule.bytes) return false;
    columns_[n] = bytes + begin;
    end = begin + count * rule.bytes;
  }
  return true;
}

bool TreeTable::HasTimes(uint32_t inode) const {
  return IsTime(F64(kMtimeSec, inode), mtime_nsec(inode)) && IsTime(F64(kAtimeSec, inode), atime_nsec(inode));
}

uint64_t TreeTable::allocated(uint32_t inode) const {
  if (!is_sparse(inode)) return size(inode);
  return static_cast<uint64_t>(F64(kExtents, static_cast<size_t>(F64(kData, inode)) + 1));
}

int64_t TreeTable::Find(uint32_t directory, std::string_view name) const {
  const int64_t dentry = FindDentry(directory, name);
  return dentry < 0 ? -1 : static_cast<int64_t>(target(static_cast<uint32_t>(dentry)));
}

int64_t TreeTable::FindDentry(uint32_t directory, std::string_view name) const {
  uint32_t low = first_child(directory);
  uint32_t high = low + child_count(directory);
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    const int order = this->name(middle).compare(name);
    if (order == 0) return middle;
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return -1;
}

TreeTable::Xattr TreeTable::xattrs(uint32_t inode) const {
  Xattr xattr;
  const uint32_t block = U32(kXattr, inode);
  if (block != 0) {
    const uint8_t* at = column(kXattrs) + block - 1;
    xattr.left = Load<uint16_t>(at);
    xattr.next = at + 2;
  }
  return xattr;
}

bool TreeTable::Next(Xattr* xattr) {
  if (xattr->left == 0) return false;
  const uint8_t* at = xattr->next;
  const uint8_t* value = at + kXattrHeader + at[0];
  const uint32_t value_length = Load<uint32_t>(at + 1);
  xattr->name = View(at + kXattrHeader, at[0]);
  xattr->value = View(value, value_length);
  xattr->next = value + value_length;
  xattr->left--;
  return true;
}

TableExtent TreeTable::Map(uint32_t inode, uint64_t offset, uint64_t length) const {
  const uint64_t wanted = std::min(length, size(inode) - offset);
  const uint32_t layer = this->layer(inode);
  const double data = F64(kData, inode);
  if (!is_sparse(inode)) return {layer, static_cast<uint64_t>(data) + offset, wanted, false};

  const size_t list = static_cast<size_t>(data);
  const auto number = [&](size_t extent, size_t field) {
    return static_cast<uint64_t>(F64(kExtents, list + kListHeader + kExtentNumbers * extent + field));
  };
  const size_t count = static_cast<size_t>(F64(kExtents, list));
  // Finds the first extent that ends after the offset.
  size_t low = 0;
  for (size_t high = count; low < high;) {
    const size_t middle = (low + high) / 2;
    if (number(middle, 0) + number(middle, 1) <= offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == count) return {layer, 0, wanted, true};
  const uint64_t start = number(low, 0);
  if (start > offset) return {layer, 0, std::min(wanted, start - offset), true};
  return {layer, number(low, 2) + offset - start, std::min(wanted, start + number(low, 1) - offset), false};
}

}  // namespace stratafs
