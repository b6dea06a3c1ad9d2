// Whether the Tree's table is one that a merge can have made: every offset, count and number of it.
//
// A table is in one form only: dentries follow each other directory by directory, in the order of the
// directories' inodes; an inode has the next free number where its first name stands; names, targets and
// extent lists lie end to end in the order of their owners. So one pass proves that each directory is reached
// once, from the root, that nothing overlaps, and that nobody who reads the table later leaves it. A table
// read from a file is checked before its first use; what is checked needs no bounds at a look-up.
#ifndef STRATAFS_NATIVE_TREE_CHECK_H_
#define STRATAFS_NATIVE_TREE_CHECK_H_

#include "table_rules.h"
#include "tree_table.h"

namespace stratafs {

// `table` is open. No fault: it is good. Runs on any thread.
TableFault CheckTree(const TreeTable& table);

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_TREE_CHECK_H_
