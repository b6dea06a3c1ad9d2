// FileState: the fstat(2) result of a file that must not change while it is mounted.
//
// write(2) moves mtime before it changes the first byte. So a comparison after a read detects bytes of the
// new content. A write whose author restores the mtime and keeps the size is not detected.
#ifndef STRATAFS_NATIVE_FILE_STATE_H_
#define STRATAFS_NATIVE_FILE_STATE_H_

#include <sys/stat.h>

#include <cstdint>

namespace stratafs {

struct FileState {
  // -1: the file may change.
  int64_t size = -1;
  int64_t mtime_sec = 0;
  int64_t mtime_nsec = 0;

  bool IsStillOf(int fd) const {
    if (size < 0) return true;
    struct stat st;
    return fstat(fd, &st) == 0 && st.st_size == size && st.st_mtim.tv_sec == mtime_sec &&
           st.st_mtim.tv_nsec == mtime_nsec;
  }
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_FILE_STATE_H_
