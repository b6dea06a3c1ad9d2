// Whether a LayerIndex (src/layer/layer-index.ts) is one that the index builder can have made, before it is
// used.
//
// As the Tree's table it is in one form only: dentries stand breadth first, an inode has the next free number
// where its first name stands, and names, symlink targets and targets of links to lower layers fill the pool
// in this order. xattr blocks and extent lists fill their columns end to end, in any order. One pass, linear.
#ifndef STRATAFS_NATIVE_INDEX_CHECK_H_
#define STRATAFS_NATIVE_INDEX_CHECK_H_

#include <cstddef>
#include <cstdint>

#include "table_rules.h"

namespace stratafs {

// In the order of `columnOrder` of src/layer/layer-index-layout.ts, which a test holds to it.
enum IndexColumn : size_t {
  kIndexSize,
  kIndexMtimeSec,
  kIndexAtimeSec,
  kIndexDataOffset,
  kIndexExtents,
  kIndexMode,
  kIndexUid,
  kIndexGid,
  kIndexRdev,
  kIndexMtimeNsec,
  kIndexAtimeNsec,
  kIndexFirstChild,
  kIndexChildCount,
  kIndexXattr,
  kIndexNameOffset,
  kIndexDentryTarget,
  kIndexLinks,
  kIndexInodeFlags,
  kIndexNameLength,
  kIndexDentryKind,
  kIndexPool,
  kIndexXattrs,
  kIndexColumnCount,
};

struct IndexColumnRule {
  const char* name;
  // Of an element.
  uint8_t bytes;
  enum Per : uint8_t { kInode, kDentry, kOther } per;
};
extern const IndexColumnRule kIndexColumns[kIndexColumnCount];

struct IndexTable {
  // Each has the elements that its count says.
  const uint8_t* columns[kIndexColumnCount] = {};
  // Elements.
  size_t counts[kIndexColumnCount] = {};
  // Bytes of the layer's uncompressed tar, within which all files lie.
  double tar_size = 0;

  // False if columns of the inodes, or of the dentries, are not equally long.
  bool HasEqualColumns() const;
};

// No fault: it is good. Runs on any thread.
TableFault CheckIndex(const IndexTable& table);

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_INDEX_CHECK_H_
