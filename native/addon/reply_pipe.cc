#include "reply_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fuse_messages.h"

namespace stratafs {

namespace {

// The largest pipe that an unprivileged process may make (/proc/sys/fs/pipe-max-size).
constexpr int kPipeBytes = 1 << 20;

// cachestat(2), Linux 6.5; the number is the same on all of Node's architectures.
constexpr long kCachestat = 451;
struct CachestatRange {
  uint64_t offset;
  uint64_t length;
};
struct Cachestat {
  uint64_t cached;
  uint64_t dirty;
  uint64_t in_writeback;
  uint64_t evicted;
  uint64_t recently_evicted;
};
static_assert(sizeof(Cachestat) == 40, "struct cachestat is 40 bytes");

// The pages that a range of a file touches.
size_t CountPages(int64_t position, size_t length, size_t page) {
  const size_t begin = static_cast<size_t>(position) % page;
  return (begin + length + page - 1) / page;
}

// True if a read needs no disk. False also if the kernel doesn't say: it is older, or this process may not
// write the file and doesn't own it.
bool IsInPageCache(const FileReply& reply, size_t page) {
  CachestatRange range = {static_cast<uint64_t>(reply.position), reply.length};
  Cachestat state = {};
  if (syscall(kCachestat, reply.fd, &range, &state, 0) != 0) return false;
  return state.cached >= CountPages(reply.position, reply.length, page);
}

}  // namespace

ReplyPipe::Outcome ReplyPipe::Send(int device, const FileReply& reply) {
  if (!reply.never_waits) return Outcome::kNotSent;
  const bool may_change = reply.state.size < 0;
  // Without the inode, nothing could be done about a change after the first check.
  if (reply.length < kLeastBytes || (!may_change && reply.node == 0)) return Outcome::kNotSent;
  if (!Open() || !HasRoom(reply) || !IsInPageCache(reply, page_)) return Outcome::kNotSent;
  if (!Fill(reply) || !reply.state.IsStillOf(reply.fd)) {
    Close();
    return Outcome::kNotSent;
  }
  const size_t length = sizeof(OutHeader) + reply.length;
  const ssize_t sent = splice(read_end_, nullptr, device, nullptr, length, 0);
  if (sent != static_cast<ssize_t>(length)) {
    // ENOENT: interrupted; ENODEV: unmounted. The kernel no longer wants the reply.
    const bool is_unwanted = sent < 0 && (errno == ENOENT || errno == ENODEV);
    Close();
    return is_unwanted ? Outcome::kSent : Outcome::kNotSent;
  }
  return reply.state.IsStillOf(reply.fd) ? Outcome::kSent : Outcome::kSentChanged;
}

bool NeverWaits(int fd) {
  uint8_t byte = 0;
  const struct iovec to = {&byte, 1};
  // EOPNOTSUPP: the file system has no such reads; ENOSYS: neither has the kernel.
  return preadv2(fd, &to, 1, 0, RWF_NOWAIT) >= 0 || errno == EAGAIN;
}

bool ReplyPipe::Open() {
  if (read_end_ >= 0) return true;
  int ends[2];
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return false;
  read_end_ = ends[0];
  write_end_ = ends[1];
  // EPERM: the user has too many pipes. The pipe then keeps its size.
  fcntl(write_end_, F_SETPIPE_SZ, kPipeBytes);
  page_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const int size = fcntl(write_end_, F_GETPIPE_SZ);
  slots_ = size < 0 ? 0 : static_cast<size_t>(size) / page_;
  return true;
}

void ReplyPipe::Close() {
  if (read_end_ < 0) return;
  close(read_end_);
  close(write_end_);
  read_end_ = -1;
  write_end_ = -1;
}

bool ReplyPipe::HasRoom(const FileReply& reply) const {
  // The header takes a slot of its own.
  return 1 + CountPages(reply.position, reply.length, page_) <= slots_;
}

bool ReplyPipe::Fill(const FileReply& reply) {
  const OutHeader header = {static_cast<uint32_t>(sizeof(OutHeader) + reply.length), 0, reply.unique};
  if (write(write_end_, &header, sizeof(header)) != sizeof(header)) return false;
  loff_t position = reply.position;
  for (size_t left = reply.length; left > 0;) {
    const ssize_t count = splice(reply.fd, &position, write_end_, nullptr, left, SPLICE_F_NONBLOCK);
    if (count < 0 && errno == EINTR) continue;
    // 0: the file has ended.
    if (count <= 0) return false;
    left -= static_cast<size_t>(count);
  }
  return true;
}

}  // namespace stratafs
