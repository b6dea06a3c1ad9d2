// Answers requests about files of the upper directory by asking the upper's file system, without JavaScript:
// GETATTR of a directory, LOOKUP of a name that the table alone or neither side has, and GETXATTR of an xattr
// that a file doesn't have.
//
// It holds no policy: TypeScript (src/overlay/read/upper-rows.ts) lists the files for which the answer is the
// upper's own, and removes a row before that changes. Any other request is left to JavaScript.
#ifndef STRATAFS_NATIVE_UPPER_ANSWER_H_
#define STRATAFS_NATIVE_UPPER_ANSWER_H_

#include <cstddef>
#include <cstdint>

#include "fast_answer.h"
#include "tree_table.h"

namespace stratafs {

// Rows of six numbers; the row of a node is the one at (node modulo number of rows), or there is none:
// | number | name  | meaning                                                            |
// | ------ | ----- | ------------------------------------------------------------------ |
// | 0      | node  | node ID; 0 for an empty row                                         |
// | 1      | kind  | 1: a directory; 2: a regular file that is open for writing           |
// | 2      | fd    | its descriptor: O_PATH for a directory, else open for reading      |
// | 3      | ino   | inode number that the mount shows                                   |
// | 4      | nlink | link count that the mount shows; -1: that of the upper              |
// | 5      | inode | the inode of the table that the directory is merged with, or -1    |
struct UpperRows {
  static constexpr size_t kRowLength = 6;

  const double* numbers = nullptr;
  size_t count = 0;
};

// `hidden`: by dentry of the table, 1 if its name doesn't show, or shows another inode; null: any may.
FastAnswer AnswerFromUpper(const FastRequest& request, const TreeTable& table, const MountFacts& facts,
                           const UpperRows& rows, const uint8_t* hidden);

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_UPPER_ANSWER_H_
