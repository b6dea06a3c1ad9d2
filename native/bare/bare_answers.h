// BareAnswers: the answers of a read-only mount that is nothing but its table: AnswerFast, the native fast
// path's own code, and for what that hands to JavaScript the least that lets the kernel go on.
//
// INIT is answered with what src/fuse/wire/negotiate.ts asks for on a read-only mount of root's, bit for bit,
// so that the kernel sends both the same requests; a test holds the two together.
#ifndef STRATAFS_NATIVE_BARE_BARE_ANSWERS_H_
#define STRATAFS_NATIVE_BARE_BARE_ANSWERS_H_

#include <cstddef>
#include <cstdint>

#include "fast_answer.h"
#include "fuse_messages.h"
#include "tree_table.h"

namespace stratafs::bare {

// A message's most bytes: of data, and of the headers before it, as in src/fuse/dev-fuse.ts.
constexpr size_t kMaxTransfer = 1 << 20;
constexpr size_t kMessageSize = kMaxTransfer + 64 * 1024;

class BareAnswers {
 public:
  // `table` is lent. `has_selinux_labels`: some inode of it has a security.selinux.
  BareAnswers(const TreeTable& table, bool has_selinux_labels);

  // The answer to a request of `length` bytes, both aligned to 8 and of kMessageSize: its bytes, 0 if none
  // is due.
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
