#include "zstd_library.h"

#include <dlfcn.h>

namespace stratafs {

namespace {

// ZSTD_d_windowLogMax, and 128 MiB, beyond which the zstd program refuses too unless told: each layer being
// read may take as much memory, and a few kilobytes can claim it.
constexpr int kWindowLogMax = 100;
constexpr int kWindowLogLimit = 27;

template <typename Function>
bool Find(void* library, const char* name, Function* function) {
  *function = reinterpret_cast<Function>(dlsym(library, name));
  return *function != nullptr;
}

struct Loaded {
  ZstdLibrary library = {};
  bool is_complete = false;

  Loaded() {
    void* handle = dlopen("libzstd.so.1", RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) return;
    is_complete = Find(handle, "ZSTD_createDCtx", &library.create_context) &&
                  Find(handle, "ZSTD_freeDCtx", &library.free_context) &&
                  Find(handle, "ZSTD_DCtx_setParameter", &library.set_parameter) &&
                  Find(handle, "ZSTD_decompressStream", &library.decompress) &&
                  Find(handle, "ZSTD_isError", &library.is_error) &&
                  Find(handle, "ZSTD_getErrorName", &library.error_name);
  }
};

}  // namespace

const ZstdLibrary* LoadZstd() {
  // Never unloaded: the library holds no state, and a pool thread may be inside it at exit.
  static const Loaded loaded;
  return loaded.is_complete ? &loaded.library : nullptr;
}

ZstdContext* CreateZstdContext(const ZstdLibrary& library) {
  ZstdContext* context = library.create_context();
  if (context != nullptr) library.set_parameter(context, kWindowLogMax, kWindowLogLimit);
  return context;
}

}  // namespace stratafs
