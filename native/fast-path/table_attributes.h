// The attributes of the table's inodes as a mount shows them, in the structures of FUSE.
#ifndef STRATAFS_NATIVE_TABLE_ATTRIBUTES_H_
#define STRATAFS_NATIVE_TABLE_ATTRIBUTES_H_

#include "fast_answer.h"
#include "fuse_messages.h"
#include "tree_table.h"

namespace stratafs {

struct TableAttributes {
  const TreeTable& table;
  const MountFacts& facts;

  // True if a node ID is an inode for which the table alone answers.
  bool IsPristine(uint64_t node) const {
    return node >= 1 && node <= table.inode_count() && table.IsPristine(static_cast<uint32_t>(node - 1));
  }
  // True if the table alone has the attributes of this inode.
  bool HasAttributes(uint32_t inode) const;

  void FillAttr(uint32_t inode, FuseAttr* out) const;
  void FillEntry(uint32_t inode, EntryOut* out) const;
  void FillStatx(uint32_t inode, StatxOut* out) const;
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_TABLE_ATTRIBUTES_H_
