// libzstd, opened at run time: Node 20 has no zstd, and most layers don't need it. A build doesn't need it
// either.
#ifndef STRATAFS_NATIVE_ZSTD_LIBRARY_H_
#define STRATAFS_NATIVE_ZSTD_LIBRARY_H_

#include <cstddef>

namespace stratafs {

// The stable part of libzstd's ABI that is used here (zstd.h 1.4.0 and later), declared here so that a build
// needs no header.
struct ZstdInput {
  const void* source;
  size_t size;
  size_t position;
};
struct ZstdOutput {
  void* target;
  size_t size;
  size_t position;
};
struct ZstdContext;

struct ZstdLibrary {
  ZstdContext* (*create_context)();
  size_t (*free_context)(ZstdContext* context);
  size_t (*set_parameter)(ZstdContext* context, int parameter, int value);
  // 0 if a frame ended and all its output was written; an error (see is_error); or a hint.
  size_t (*decompress)(ZstdContext* context, ZstdOutput* output, ZstdInput* input);
  unsigned (*is_error)(size_t code);
  const char* (*error_name)(size_t code);
};

// Null if the library is missing or too old; `kZstdMissing` then names the package. Any thread may call it.
const ZstdLibrary* LoadZstd();

inline constexpr char kZstdMissing[] =
    "no libzstd.so.1 on this system (package libzstd1 on Debian, libzstd on Fedora, zstd-libs on Alpine)";

// A context that accepts windows up to the limit; null if there is not enough memory.
ZstdContext* CreateZstdContext(const ZstdLibrary& library);

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_ZSTD_LIBRARY_H_
