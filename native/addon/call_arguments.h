// Arguments and results of the addon's functions, directly by Node-API. node-addon-api costs a heap object
// and more per call, and most of these calls happen for every file-system request.
//
// A bad argument never reaches the kernel: the result is then -EINVAL (-ENAMETOOLONG for a name, -EBADF for a
// descriptor).
#ifndef STRATAFS_NATIVE_CALL_ARGUMENTS_H_
#define STRATAFS_NATIVE_CALL_ARGUMENTS_H_

#include <errno.h>
#include <limits.h>
#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace stratafs {

// Bytes of a typed array; lent until the function returns.
struct ByteSpan {
  const uint8_t* data = nullptr;
  size_t size = 0;
};

// One component of a path, or empty. Never "." or ".."; no slash and no NUL inside.
class Component {
 public:
  // 0 or a negative errno.
  int Set(const ByteSpan& bytes, bool may_be_empty);
  const char* c_str() const { return bytes_; }
  bool is_empty() const { return bytes_[0] == '\0'; }

 private:
  char bytes_[NAME_MAX + 1] = "";
};

class CallArguments {
 public:
  static constexpr size_t kLimit = 8;

  CallArguments(napi_env env, napi_callback_info info);
  // The arguments of a method of a Napi::ObjectWrap.
  template <typename CallbackInfo>
  explicit CallArguments(const CallbackInfo& info) : env_(info.Env()), count_(info.Length()) {
    for (size_t i = 0; i < kLimit; i++) values_[i] = info[i];
  }
  CallArguments(const CallArguments&) = delete;
  CallArguments& operator=(const CallArguments&) = delete;

  size_t count() const { return count_; }
  int32_t Int(size_t index);
  // Never negative: AT_FDCWD and errnos are not descriptors.
  int Descriptor(size_t index);
  uint32_t Uint(size_t index);
  // The whole part of a number, exact below 2^53.
  int64_t Int64(size_t index);
  // The unique of a request. Negative: its magnitude, and bit 63 is set (src/fuse/wire/unique.ts).
  uint64_t Unique(size_t index);
  bool Bool(size_t index);
  ByteSpan Bytes(size_t index);
  // The bytes of a typed array to write to.
  uint8_t* Buffer(size_t index, size_t* size);
  // A Float64Array with at least `length` elements, else null.
  double* Doubles(size_t index, size_t length);
  // The name of a file in a directory.
  void Name(size_t index, Component* out) { Fail(out->Set(Bytes(index), false)); }
  // The same, or empty.
  void NameOrEmpty(size_t index, Component* out) { Fail(out->Set(Bytes(index), true)); }
  // Bytes without NUL inside, copied to `out` and terminated; -ENAMETOOLONG if they don't fit.
  void Text(size_t index, char* out, size_t capacity);

  // A string as UTF-8, or an array of them. No NUL inside.
  std::string String(size_t index) { return StringOf(values_[index]); }
  std::vector<std::string> Strings(size_t index);
  // A function, as it is.
  napi_value Function(size_t index);
  // An argument that the getters above don't cover.
  napi_value value(size_t index) const { return values_[index]; }

  void Fail(int error) {
    if (error_ == 0) error_ = error;
  }
  // 0, or the negative errno of the first bad argument.
  int error() const { return error_; }
  napi_env env() const { return env_; }

  // The result of `call` (in the form of a system call: -1 and errno), or the error of a bad argument.
  template <typename Call>
  napi_value Answer(Call call) {
    if (error_ != 0) return MakeNumber(error_);
    const int64_t result = call();
    return MakeNumber(result < 0 ? -errno : result);
  }
  napi_value MakeNumber(int64_t number) const;
  // An array of two numbers.
  napi_value MakePair(int64_t first, int64_t second) const;
  // The error of the first bad argument as an exception, for calls that have no number as their result.
  napi_value Throw() const;
  // A Buffer with a copy of the bytes.
  napi_value MakeBuffer(const void* bytes, size_t size) const;

 private:
  std::string StringOf(napi_value value);

  napi_env env_;
  size_t count_ = kLimit;
  napi_value values_[kLimit];
  int error_ = 0;
};

// An exported function of a part of the addon.
struct NamedCall {
  const char* name;
  napi_callback call;
};

template <size_t count>
void ExportCalls(napi_env env, napi_value exports, const NamedCall (&calls)[count]) {
  for (const NamedCall& call : calls) {
    napi_value function = nullptr;
    napi_create_function(env, call.name, NAPI_AUTO_LENGTH, call.call, nullptr, &function);
    napi_set_named_property(env, exports, call.name, function);
  }
}

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_CALL_ARGUMENTS_H_
