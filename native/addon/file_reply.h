// FileReply: the answer to a READ whose bytes lie in a file.
#ifndef STRATAFS_NATIVE_FILE_REPLY_H_
#define STRATAFS_NATIVE_FILE_REPLY_H_

#include <cstddef>
#include <cstdint>

#include "file_state.h"

namespace stratafs {

struct FileReply {
  uint64_t unique = 0;
  int fd = -1;
  int64_t position = 0;
  size_t length = 0;
  // True: the reply is short if the file ends early. False: it is -EIO then.
  bool may_end = false;
  // The reply is -EIO if the file is no longer in this state.
  FileState state;
  // Whether reads of the file don't wait for anything but a local disk (NeverWaits in reply_pipe.h).
  bool never_waits = false;
  // The inode whose pages the kernel fills with the bytes, and the offset in it. 0: not known.
  uint64_t node = 0;
  uint64_t offset = 0;
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_FILE_REPLY_H_
