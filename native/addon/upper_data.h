// Shared by the synchronous calls and those on a pool thread.
#ifndef STRATAFS_NATIVE_UPPER_DATA_H_
#define STRATAFS_NATIVE_UPPER_DATA_H_

#include <cstddef>
#include <cstdint>

namespace stratafs {

// pwrite(2) until all bytes are written or a call fails: bytes written, or -1 and errno if there are none.
int64_t WriteAll(int fd, const uint8_t* bytes, size_t size, int64_t position);

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_UPPER_DATA_H_
