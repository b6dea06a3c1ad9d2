// Checks before the first use that a LayerIndex (src/layer/layer-index.ts) is one that the index builder can
// have made.
//
// Like the Tree's table it has a canonical form: dentries are breadth first, an inode has the next free
// number at its first name, and names, symlink targets and targets of links to lower layers fill the pool in
// this order. xattr blocks and extent lists fill their columns without gaps, in any order. One pass, linear
// time.
#ifndef STRATAFS_NATIVE_INDEX_CHECK_H_
#define STRATAFS_NATIVE_INDEX_CHECK_H_

#include <cstddef>
#include <cstdint>

#include "table_rules.h"

namespace stratafs {

// In the order of `columnOrder` in src/layer/layer-index-layout.ts; a test compares them.
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
  // Size of an element.
  uint8_t bytes;
  enum Per : uint8_t { kInode, kDentry, kOther } per;
};
extern const IndexColumnRule kIndexColumns[kIndexColumnCount];

struct IndexTable {
  // Each column has as many elements as its count.
  const uint8_t* columns[kIndexColumnCount] = {};
  // Elements.
  size_t counts[kIndexColumnCount] = {};
  // Length of the layer's uncompressed tar, which contains the bytes of all files.
  double tar_size = 0;

  // False if the columns of the inodes, or those of the dentries, differ in length.
  bool HasEqualColumns() const;
};

// Returns no fault if the index is good. Runs on any thread.
TableFault CheckIndex(const IndexTable& table);

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_INDEX_CHECK_H_
