// Checks that the Tree's table is one that a merge can have made: every offset, count and number.
//
// A table has a canonical form: dentries follow each other directory by directory, in the order of the
// directories' inodes; an inode has the next free number at its first name; names, targets and extent lists
// are stored without gaps in the order of their owners. So one pass proves that each directory is reached
// exactly once from the root, that nothing overlaps, and that no later read leaves the table. A table from a
// file is checked before its first use; afterwards look-ups need no bounds checks.
#ifndef STRATAFS_NATIVE_TREE_CHECK_H_
#define STRATAFS_NATIVE_TREE_CHECK_H_

#include "table_rules.h"
#include "tree_table.h"

namespace stratafs {

// `table` is open. Returns no fault if it is good. Runs on any thread.
TableFault CheckTree(const TreeTable& table);

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_TREE_CHECK_H_
