// A FUSE request that may be answered natively: its parts, and the replies to it. The common part of what
// answers from the table and from the upper.
#ifndef STRATAFS_NATIVE_FAST_REQUEST_H_
#define STRATAFS_NATIVE_FAST_REQUEST_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "fast_answer.h"
#include "fuse_messages.h"

namespace stratafs {

inline bool BeginsWith(std::string_view name, std::string_view prefix) {
  return name.substr(0, prefix.size()) == prefix;
}

// Reads `length` bytes of `request` and writes to `reply`, which has room for `capacity` (at least 512)
// bytes. Both are the caller's, and aligned to 8.
class FastRequest {
 public:
  FastRequest(const uint8_t* request, size_t length, uint8_t* reply, size_t capacity)
      : reply_(reply), capacity_(capacity) {
    if (length < sizeof(header_)) return;
    memcpy(&header_, request, sizeof(header_));
    const size_t extension = static_cast<size_t>(header_.extension_length) * 8;
    if (header_.length != length || extension > length - sizeof(header_)) return;
    body_ = request + sizeof(header_);
    body_size_ = length - sizeof(header_) - extension;
    is_whole_ = true;
  }

  // False: the request is cut off, or longer than it says.
  bool is_whole() const { return is_whole_; }
  // All 0 if the request is not whole.
  const InHeader& header() const { return header_; }
  const uint8_t* body() const { return body_; }
  size_t body_size() const { return body_size_; }

  // The fixed part of the body; false if the body is shorter.
  template <typename T>
  bool Take(T* out) const {
    if (body_size_ < sizeof(T)) return false;
    memcpy(out, body_, sizeof(T));
    return true;
  }

  // The name at `offset` of the body, followed by a NUL; empty if it is empty or not terminated.
  std::string_view Name(size_t offset) const {
    if (offset >= body_size_) return {};
    const std::string_view rest(reinterpret_cast<const char*>(body_ + offset), body_size_ - offset);
    const size_t end = rest.find('\0');
    return end == std::string_view::npos ? std::string_view() : rest.substr(0, end);
  }

  // The place of the body of the reply, and its room in bytes.
  uint8_t* reply_body() const { return reply_ + sizeof(OutHeader); }
  size_t reply_room() const { return capacity_ - sizeof(OutHeader); }

  // `body`: bytes at reply_body(), which the caller has written.
  FastAnswer Reply(int error, size_t body) const {
    const OutHeader out = {static_cast<uint32_t>(sizeof(OutHeader) + body), error, header_.unique};
    memcpy(reply_, &out, sizeof(out));
    FastAnswer answer;
    answer.kind = FastAnswer::kReply;
    answer.length = out.length;
    answer.unique = header_.unique;
    return answer;
  }

  template <typename T>
  FastAnswer Struct(const T& body) const {
    memcpy(reply_body(), &body, sizeof(body));
    return Reply(0, sizeof(body));
  }

 private:
  InHeader header_ = {};
  const uint8_t* body_ = nullptr;
  size_t body_size_ = 0;
  bool is_whole_ = false;
  uint8_t* const reply_;
  const size_t capacity_;
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_FAST_REQUEST_H_
