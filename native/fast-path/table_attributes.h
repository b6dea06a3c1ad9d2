// Attributes of the table's inodes as a mount shows them, in the forms that FUSE has for them.
#ifndef STRATAFS_NATIVE_TABLE_ATTRIBUTES_H_
#define STRATAFS_NATIVE_TABLE_ATTRIBUTES_H_

#include "fast_answer.h"
#include "fuse_messages.h"
#include "tree_table.h"

namespace stratafs {

struct TableAttributes {
  const TreeTable& table;
  const MountFacts& facts;

  // Whether a node ID is an inode of the table that the table alone answers for.
  bool IsPristine(uint64_t node) const {
    return node >= 1 && node <= table.inode_count() && table.IsPristine(static_cast<uint32_t>(node - 1));
  }
  // Whether the table alone knows the attributes of one of its inodes.
  bool HasAttributes(uint32_t inode) const;

  void FillAttr(uint32_t inode, FuseAttr* out) const;
  void FillEntry(uint32_t inode, EntryOut* out) const;
  void FillStatx(uint32_t inode, StatxOut* out) const;
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_TABLE_ATTRIBUTES_H_
