#include "transfer_pool.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace stratafs {

namespace {

// Reads until `length` bytes are there or the file ends (fewer); -errno for an error.
ssize_t ReadFully(int fd, uint8_t* to, size_t length, int64_t position) {
  size_t done = 0;
  while (done < length) {
    ssize_t n = pread(fd, to + done, length - done, position + static_cast<int64_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -errno;
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  return static_cast<ssize_t>(done);
}

// True if the file ends at `position` or before. A read that returns 0 doesn't prove it: with RWF_NOWAIT
// Linux 5.9 and 5.10 return 0 for bytes outside the page cache.
bool IsEnd(int fd, int64_t position) {
  struct stat st;
  return fstat(fd, &st) == 0 && st.st_size <= position;
}

// `got`: the number of bytes in `payload`, or -errno.
void Answer(int device, const FileReply& reply, const uint8_t* payload, ssize_t got) {
  const bool is_whole = got == static_cast<ssize_t>(reply.length) || (got >= 0 && reply.may_end);
  if (is_whole && reply.state.IsStillOf(reply.fd)) {
    WriteReply(device, OutHeader{0, 0, reply.unique}, payload, static_cast<size_t>(got));
  } else {
    WriteReply(device, OutHeader{0, -EIO, reply.unique}, nullptr, 0);
  }
}

}  // namespace

int WriteReply(int device, const OutHeader& header, const void* payload, size_t length) {
  OutHeader out = header;
  out.length = static_cast<uint32_t>(sizeof(out) + length);
  struct iovec parts[2] = {{&out, sizeof(out)}, {const_cast<void*>(payload), length}};
  for (;;) {
    ssize_t n = writev(device, parts, length == 0 ? 1 : 2);
    if (n >= 0) return 0;
    if (errno == EINTR) continue;
    return errno == ENOENT || errno == ENODEV ? 0 : -errno;
  }
}

TransferPool::~TransferPool() {
  for (Transfer* transfer : idle_) delete transfer;
  close(device_);
}

TransferPool::Transfer* TransferPool::Take() {
  if (idle_.empty()) {
    Transfer* transfer = new Transfer();
    transfer->work.data = transfer;
    transfer->pool = this;
    return transfer;
  }
  Transfer* transfer = idle_.back();
  idle_.pop_back();
  return transfer;
}

bool TransferPool::Send(const FileReply& reply) {
  switch (pipe_.Send(device_, reply)) {
    case ReplyPipe::Outcome::kSent:
      return true;
    case ReplyPipe::Outcome::kSentChanged:
      Drop(reply);
      return true;
    case ReplyPipe::Outcome::kNotSent:
      break;
  }
  Transfer* transfer = Take();
  if (transfer->buffer.size() < reply.length) transfer->buffer.resize(reply.length);
  // Bytes in the page cache are answered here: a thread hop costs more than the copy.
  struct iovec to = {transfer->buffer.data(), reply.length};
  ssize_t n = preadv2(reply.fd, &to, 1, reply.position, RWF_NOWAIT);
  if (n == static_cast<ssize_t>(reply.length) ||
      (reply.may_end && n >= 0 && IsEnd(reply.fd, reply.position + n))) {
    Answer(device_, reply, transfer->buffer.data(), n);
    idle_.push_back(transfer);
    return true;
  }
  transfer->reply = reply;
  Queue(transfer, Run);
  return false;
}

void TransferPool::Drop(const FileReply& reply) {
  Transfer* transfer = Take();
  transfer->reply = reply;
  Queue(transfer, RunDrop);
}

void TransferPool::Queue(Transfer* transfer, uv_work_cb work) {
  active_++;
  if (uv_queue_work(loop_, &transfer->work, work, Done) != 0) {
    work(&transfer->work);
    Done(&transfer->work, 0);
  }
}

void TransferPool::Run(uv_work_t* work) {
  Transfer* transfer = static_cast<Transfer*>(work->data);
  const FileReply& reply = transfer->reply;
  const ssize_t got = ReadFully(reply.fd, transfer->buffer.data(), reply.length, reply.position);
  Answer(transfer->pool->device_, reply, transfer->buffer.data(), got);
}

// The kernel locks each page, so it may wait for the answer to another READ: not for the loop's thread.
void TransferPool::RunDrop(uv_work_t* work) {
  const Transfer* transfer = static_cast<Transfer*>(work->data);
  const FileReply& reply = transfer->reply;
  const InvalInodeOut body = {reply.node, static_cast<int64_t>(reply.offset),
                              static_cast<int64_t>(reply.length)};
  WriteReply(transfer->pool->device_, OutHeader{0, kNotifyInvalInode, 0}, &body, sizeof(body));
}

void TransferPool::Done(uv_work_t* work, int /*status*/) {
  Transfer* transfer = static_cast<Transfer*>(work->data);
  TransferPool* pool = transfer->pool;
  pool->active_--;
  pool->idle_.push_back(transfer);
  pool->DeleteWhenIdle();
}

void TransferPool::Release() {
  released_ = true;
  DeleteWhenIdle();
}

void TransferPool::DeleteWhenIdle() {
  if (released_ && active_ == 0) delete this;
}

}  // namespace stratafs
