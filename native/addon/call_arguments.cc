#include "call_arguments.h"

#include <string.h>

namespace stratafs {

int Component::Set(const ByteSpan& bytes, bool may_be_empty) {
  if (bytes.size == 0) return may_be_empty ? 0 : -EINVAL;
  if (bytes.size > NAME_MAX) return -ENAMETOOLONG;
  if (memchr(bytes.data, '/', bytes.size) != nullptr || memchr(bytes.data, '\0', bytes.size) != nullptr) {
    return -EINVAL;
  }
  if (bytes.data[0] == '.' && (bytes.size == 1 || (bytes.size == 2 && bytes.data[1] == '.'))) return -EINVAL;
  memcpy(bytes_, bytes.data, bytes.size);
  bytes_[bytes.size] = '\0';
  return 0;
}

CallArguments::CallArguments(napi_env env, napi_callback_info info) : env_(env) {
  // Missing arguments are undefined, which every getter below refuses.
  napi_get_cb_info(env, info, &count_, values_, nullptr, nullptr);
}

int32_t CallArguments::Int(size_t index) {
  int32_t value = 0;
  if (napi_get_value_int32(env_, values_[index], &value) != napi_ok) Fail(-EINVAL);
  return value;
}

int CallArguments::Descriptor(size_t index) {
  const int fd = Int(index);
  if (fd < 0) Fail(-EBADF);
  return fd;
}

uint32_t CallArguments::Uint(size_t index) {
  uint32_t value = 0;
  if (napi_get_value_uint32(env_, values_[index], &value) != napi_ok) Fail(-EINVAL);
  return value;
}

int64_t CallArguments::Int64(size_t index) {
  int64_t value = 0;
  if (napi_get_value_int64(env_, values_[index], &value) != napi_ok) Fail(-EINVAL);
  return value;
}

uint64_t CallArguments::Unique(size_t index) {
  const int64_t number = Int64(index);
  constexpr uint64_t kResent = uint64_t{1} << 63;
  return number < 0 ? kResent | -static_cast<uint64_t>(number) : static_cast<uint64_t>(number);
}

bool CallArguments::Bool(size_t index) {
  bool value = false;
  if (napi_get_value_bool(env_, values_[index], &value) != napi_ok) Fail(-EINVAL);
  return value;
}

ByteSpan CallArguments::Bytes(size_t index) {
  ByteSpan bytes;
  void* data = nullptr;
  // The length counts elements, and an element has at least one byte.
  if (napi_get_typedarray_info(env_, values_[index], nullptr, &bytes.size, &data, nullptr, nullptr) !=
      napi_ok) {
    Fail(-EINVAL);
    return {};
  }
  bytes.data = static_cast<const uint8_t*>(data);
  return bytes;
}

uint8_t* CallArguments::Buffer(size_t index, size_t* size) {
  const ByteSpan bytes = Bytes(index);
  *size = bytes.size;
  return const_cast<uint8_t*>(bytes.data);
}

double* CallArguments::Doubles(size_t index, size_t length) {
  napi_typedarray_type type = napi_int8_array;
  size_t found = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env_, values_[index], &type, &found, &data, nullptr, nullptr) != napi_ok ||
      type != napi_float64_array || found < length) {
    Fail(-EINVAL);
    return nullptr;
  }
  return static_cast<double*>(data);
}

void CallArguments::Text(size_t index, char* out, size_t capacity) {
  const ByteSpan bytes = Bytes(index);
  if (bytes.size >= capacity) return Fail(-ENAMETOOLONG);
  if (bytes.size != 0 && memchr(bytes.data, '\0', bytes.size) != nullptr) return Fail(-EINVAL);
  if (bytes.size != 0) memcpy(out, bytes.data, bytes.size);
  out[bytes.size] = '\0';
}

std::string CallArguments::StringOf(napi_value value) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env_, value, nullptr, 0, &length) != napi_ok) {
    Fail(-EINVAL);
    return {};
  }
  std::string text(length, '\0');
  napi_get_value_string_utf8(env_, value, text.data(), length + 1, &length);
  if (text.find('\0') != std::string::npos) Fail(-EINVAL);
  return text;
}

std::vector<std::string> CallArguments::Strings(size_t index) {
  std::vector<std::string> texts;
  uint32_t length = 0;
  if (napi_get_array_length(env_, values_[index], &length) != napi_ok) Fail(-EINVAL);
  for (uint32_t i = 0; i < length; i++) {
    napi_value element = nullptr;
    napi_get_element(env_, values_[index], i, &element);
    texts.push_back(StringOf(element));
  }
  return texts;
}

napi_value CallArguments::Function(size_t index) {
  napi_valuetype type = napi_undefined;
  if (napi_typeof(env_, values_[index], &type) != napi_ok || type != napi_function) Fail(-EINVAL);
  return values_[index];
}

napi_value CallArguments::MakeNumber(int64_t number) const {
  napi_value result = nullptr;
  if (number == static_cast<int32_t>(number)) {
    napi_create_int32(env_, static_cast<int32_t>(number), &result);
  } else {
    napi_create_double(env_, static_cast<double>(number), &result);
  }
  return result;
}

napi_value CallArguments::MakePair(int64_t first, int64_t second) const {
  napi_value pair = nullptr;
  napi_create_array_with_length(env_, 2, &pair);
  napi_set_element(env_, pair, 0, MakeNumber(first));
  napi_set_element(env_, pair, 1, MakeNumber(second));
  return pair;
}

napi_value CallArguments::Throw() const {
  napi_throw_type_error(env_, "ERR_INVALID_ARG_TYPE", "a bad argument of a native function");
  return nullptr;
}

napi_value CallArguments::MakeBuffer(const void* bytes, size_t size) const {
  napi_value result = nullptr;
  if (napi_create_buffer_copy(env_, size, bytes, nullptr, &result) != napi_ok) return MakeNumber(-ENOMEM);
  return result;
}

}  // namespace stratafs
