// What the calls in place and those on a pool thread share.
#ifndef STRATAFS_NATIVE_UPPER_DATA_H_
#define STRATAFS_NATIVE_UPPER_DATA_H_

#include <cstddef>
#include <cstdint>

namespace stratafs {

// pwrite(2) until all is written, or fails: bytes written, or -1 and errno where there are none.
int64_t WriteAll(int fd, const uint8_t* bytes, size_t size, int64_t position);

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_UPPER_DATA_H_
