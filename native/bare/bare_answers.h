// BareAnswers: the answers of a read-only mount that consists only of its table. AnswerFast, the native fast
// path, answers what it can; the requests that it leaves to JavaScript get the minimum that lets the kernel
// continue.
//
// The answer to INIT is that of src/fuse/wire/negotiate.ts for a read-only mount by root, bit for bit, so
// that the kernel sends both the same requests; a test compares them.
#ifndef STRATAFS_NATIVE_BARE_BARE_ANSWERS_H_
#define STRATAFS_NATIVE_BARE_BARE_ANSWERS_H_

#include <cstddef>
#include <cstdint>

#include "fast_answer.h"
#include "fuse_messages.h"
#include "tree_table.h"

namespace stratafs::bare {

// Limits of a message: of its data, and of the headers before it, as in src/fuse/dev-fuse.ts.
constexpr uint16_t kMaxPages = 254;
constexpr size_t kMaxTransfer = kMaxPages * 4096;
constexpr size_t kMessageSize = kMaxTransfer + 64 * 1024;

class BareAnswers {
 public:
  // `table` is lent. `unsupported_xattr`: see MountFacts.
  BareAnswers(const TreeTable& table, const char* unsupported_xattr);

  // Writes the answer to a request of `length` bytes. Both are aligned to 8 and have kMessageSize bytes.
  // Returns the answer's length, 0 if none is due.
  size_t Answer(const uint8_t* request, size_t length, uint8_t* reply);

  enum class State : uint8_t { kNegotiating, kServing, kRefused };
  State state() const { return state_; }

 private:
  size_t Init(const InHeader& header, const uint8_t* request, size_t length, uint8_t* reply);
  size_t Rest(const InHeader& header, uint8_t* reply) const;

  const TreeTable& table_;
  MountFacts facts_;
  State state_ = State::kNegotiating;
};

}  // namespace stratafs::bare

#endif  // STRATAFS_NATIVE_BARE_BARE_ANSWERS_H_
