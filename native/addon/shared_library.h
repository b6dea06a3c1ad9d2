// A system library that is opened at run time, so that neither build nor installation needs it.
#ifndef STRATAFS_NATIVE_SHARED_LIBRARY_H_
#define STRATAFS_NATIVE_SHARED_LIBRARY_H_

#include <dlfcn.h>

#include <initializer_list>

namespace stratafs {

// Never unloaded: the libraries used here hold no state, and a pool thread may be inside one at exit.
class SharedLibrary {
 public:
  // Opens the first of `names` that exists.
  explicit SharedLibrary(std::initializer_list<const char*> names) {
    for (const char* name : names) {
      handle_ = dlopen(name, RTLD_NOW | RTLD_LOCAL);
      if (handle_ != nullptr) return;
    }
  }

  // Sets `*function`; false if the library, or the function, is missing.
  template <typename Function>
  bool Find(const char* name, Function* function) const {
    if (handle_ == nullptr) return false;
    *function = reinterpret_cast<Function>(dlsym(handle_, name));
    return *function != nullptr;
  }

 private:
  void* handle_ = nullptr;
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_SHARED_LIBRARY_H_
