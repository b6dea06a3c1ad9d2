// Extended attributes of files in the upper directory. src/sys/upper-calls.ts documents every function.
//
// A name is accessed by getxattrat(2) and related calls (Linux 6.13), which take a third of the time, else by
// a path through /proc/self/fd. A descriptor's own file goes through /proc only if it is O_PATH, as that of a
// symlink, FIFO or device must be: these have xattrs but can't be opened. Names are not followed; the magic
// link leads to the descriptor's own file and no further.
#include "upper_xattrs.h"

#include <fcntl.h>
#include <linux/limits.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <memory>

#include "call_arguments.h"
#include "parts.h"
#include "upper_paths.h"

namespace stratafs {

namespace {

// Most values and lists are shorter; longer ones are read again with room for the longest.
constexpr size_t kShort = 1024;
static_assert(XATTR_SIZE_MAX == XATTR_LIST_MAX, "one limit for both");

// struct xattr_args of linux/xattr.h, Linux 6.13.
struct XattrArgs {
  uint64_t value;
  uint32_t size;
  uint32_t flags;
};

// The same on all architectures that Node runs on.
enum XattrCall : long { kSetxattrat = 463, kGetxattrat = 464, kListxattrat = 465, kRemovexattrat = 466 };

// A file, and the calls on its xattrs. Each returns a length or 0, or -1 and errno.
class Target {
 public:
  explicit Target(CallArguments* in) : dir_(in->Descriptor(0)) { in->NameOrEmpty(1, &name_); }
  Target(int dir, const Component& name) : dir_(dir), name_(name) {}

  ssize_t Get(const char* attribute, char* to, size_t size) const {
    const XattrArgs args = {reinterpret_cast<uintptr_t>(to), static_cast<uint32_t>(size), 0};
    return Try([&] { return Call(kGetxattrat, attribute, &args, sizeof(args)); },
               [&] { return fgetxattr(dir_, attribute, to, size); },
               [&](const char* path) { return getxattr(path, attribute, to, size); },
               [&](const char* path) { return lgetxattr(path, attribute, to, size); });
  }

  ssize_t Set(const char* attribute, const ByteSpan& value, int flags) const {
    const void* bytes = value.data;
    const size_t size = value.size;
    // Longer than any value may be: truncated to 32 bits, the size could pass.
    if (size > XATTR_SIZE_MAX) {
      errno = E2BIG;
      return -1;
    }
    const XattrArgs args = {reinterpret_cast<uintptr_t>(bytes), static_cast<uint32_t>(size),
                            static_cast<uint32_t>(flags)};
    return Try([&] { return Call(kSetxattrat, attribute, &args, sizeof(args)); },
               [&] { return fsetxattr(dir_, attribute, bytes, size, flags); },
               [&](const char* path) { return setxattr(path, attribute, bytes, size, flags); },
               [&](const char* path) { return lsetxattr(path, attribute, bytes, size, flags); });
  }

  ssize_t Remove(const char* attribute) const {
    return Try([&] { return Call(kRemovexattrat, attribute); }, [&] { return fremovexattr(dir_, attribute); },
               [&](const char* path) { return removexattr(path, attribute); },
               [&](const char* path) { return lremovexattr(path, attribute); });
  }

  ssize_t List(char* to, size_t size) const {
    return Try([&] { return Call(kListxattrat, to, size); }, [&] { return flistxattr(dir_, to, size); },
               [&](const char* path) { return listxattr(path, to, size); },
               [&](const char* path) { return llistxattr(path, to, size); });
  }

 private:
  template <typename... Rest>
  ssize_t Call(XattrCall number, Rest... rest) const {
    return syscall(number, dir_, name_.c_str(), AT_SYMLINK_NOFOLLOW, rest...);
  }

  template <typename AtName, typename OfFile, typename OfPath, typename OfLink>
  ssize_t Try(AtName at_name, OfFile of_file, OfPath of_path, OfLink of_link) const {
    if (name_.is_empty()) {
      const ssize_t result = of_file();
      return result >= 0 || errno != EBADF ? result : of_path(DescriptorPath(dir_).c_str());
    }
    const ssize_t result = at_name();
    if (result >= 0 || errno != ENOSYS) return result;
    return of_link(DescriptorPath(dir_, name_.c_str()).c_str());
  }

  const int dir_;
  Component name_;
};

// An xattr's name, with room for one byte more than the kernel allows, so that the kernel returns ERANGE.
class AttributeName {
 public:
  AttributeName(CallArguments* in, size_t index) { in->Text(index, bytes_, sizeof(bytes_)); }
  const char* c_str() const { return bytes_; }

 private:
  char bytes_[XATTR_NAME_MAX + 2];
};

// A Buffer with the result of `read` (buffer, size), which returns a length, or -1 and errno.
template <typename Read>
napi_value ReadWhole(const CallArguments& in, Read read) {
  if (in.error() != 0) return in.MakeNumber(in.error());
  char bytes[kShort];
  ssize_t length = read(bytes, sizeof(bytes));
  if (length >= 0) return in.MakeBuffer(bytes, static_cast<size_t>(length));
  if (errno != ERANGE) return in.MakeNumber(-errno);
  const std::unique_ptr<char[]> longest(new char[XATTR_SIZE_MAX]);
  length = read(longest.get(), XATTR_SIZE_MAX);
  if (length < 0) return in.MakeNumber(-errno);
  return in.MakeBuffer(longest.get(), static_cast<size_t>(length));
}

// getxattrAt(dir, name, attribute)
napi_value GetxattrAt(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const Target target(&in);
  const AttributeName attribute(&in, 2);
  return ReadWhole(in, [&](char* to, size_t size) { return target.Get(attribute.c_str(), to, size); });
}

// setxattrAt(dir, name, attribute, value, flags)
napi_value SetxattrAt(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const Target target(&in);
  const AttributeName attribute(&in, 2);
  const ByteSpan value = in.Bytes(3);
  const int flags = in.Int(4);
  return in.Answer([&] { return target.Set(attribute.c_str(), value, flags); });
}

// removexattrAt(dir, name, attribute)
napi_value RemovexattrAt(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const Target target(&in);
  const AttributeName attribute(&in, 2);
  return in.Answer([&] { return target.Remove(attribute.c_str()); });
}

// listxattrAt(dir, name)
napi_value ListxattrAt(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const Target target(&in);
  return ReadWhole(in, [&](char* to, size_t size) {
    const ssize_t length = target.List(to, size);
    return length < 0 && errno == EOPNOTSUPP ? 0 : length;
  });
}

}  // namespace

int SetXattr(int dir, const Component& name, const char* attribute, const ByteSpan& value, int flags) {
  return static_cast<int>(Target(dir, name).Set(attribute, value, flags));
}

void RegisterUpperXattrs(Napi::Env env, Napi::Object exports) {
  ExportCalls(env, exports,
              {{"getxattrAt", GetxattrAt},
               {"setxattrAt", SetxattrAt},
               {"removexattrAt", RemovexattrAt},
               {"listxattrAt", ListxattrAt}});
}

}  // namespace stratafs
