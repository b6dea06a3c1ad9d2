#include "zstd_library.h"

#include "shared_library.h"

namespace stratafs {

namespace {

// ZSTD_d_windowLogMax, and 128 MiB, the default limit of the zstd program too. Each layer being read may take
// that much memory, and a blob of a few kilobytes can demand it.
constexpr int kWindowLogMax = 100;
constexpr int kWindowLogLimit = 27;

struct Loaded {
  ZstdLibrary library = {};
  bool is_complete = false;

  Loaded() {
    const SharedLibrary shared({"libzstd.so.1"});
    is_complete = shared.Find("ZSTD_createDCtx", &library.create_context) &&
                  shared.Find("ZSTD_freeDCtx", &library.free_context) &&
                  shared.Find("ZSTD_DCtx_setParameter", &library.set_parameter) &&
                  shared.Find("ZSTD_decompressStream", &library.decompress) &&
                  shared.Find("ZSTD_isError", &library.is_error) &&
                  shared.Find("ZSTD_getErrorName", &library.error_name);
  }
};

}  // namespace

const ZstdLibrary* LoadZstd() {
  static const Loaded loaded;
  return loaded.is_complete ? &loaded.library : nullptr;
}

ZstdContext* CreateZstdContext(const ZstdLibrary& library) {
  ZstdContext* context = library.create_context();
  if (context != nullptr) library.set_parameter(context, kWindowLogMax, kWindowLogLimit);
  return context;
}

}  // namespace stratafs
