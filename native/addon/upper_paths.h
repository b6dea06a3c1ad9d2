// Paths through /proc/self/fd, for calls that take no directory descriptor: to the file of a descriptor
// (O_PATH or not), and to a name in a directory. The file of a descriptor is fixed, so no symlink but the
// magic one is followed.
#ifndef STRATAFS_NATIVE_UPPER_PATHS_H_
#define STRATAFS_NATIVE_UPPER_PATHS_H_

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cstdint>

namespace stratafs {

class DescriptorPath {
 public:
  explicit DescriptorPath(int fd) { snprintf(bytes_, sizeof(bytes_), "/proc/self/fd/%d", fd); }
  // `name` is one component.
  DescriptorPath(int dir, const char* name) {
    snprintf(bytes_, sizeof(bytes_), "/proc/self/fd/%d/%s", dir, name);
  }
  const char* c_str() const { return bytes_; }

 private:
  char bytes_[sizeof("/proc/self/fd/-2147483648/") + NAME_MAX];
};

// Opens a regular file or directory again. -1 and errno: ENXIO for any other type, which is not opened,
// because opening a device or a FIFO has effects.
inline int ReopenFile(int fd, uint32_t flags) {
  struct stat st;
  if (fstat(fd, &st) < 0) return -1;
  if (S_ISLNK(st.st_mode)) {
    errno = ELOOP;
    return -1;
  }
  if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
    errno = ENXIO;
    return -1;
  }
  int opened;
  do opened = open(DescriptorPath(fd).c_str(), static_cast<int>(flags) | O_CLOEXEC);
  while (opened < 0 && errno == EINTR);
  return opened;
}

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_UPPER_PATHS_H_
