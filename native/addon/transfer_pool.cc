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

void Answer(int device, uint64_t unique, const uint8_t* payload, size_t wanted, ssize_t got, bool may_end) {
  if (got == static_cast<ssize_t>(wanted) || (got >= 0 && may_end)) {
    WriteReply(device, OutHeader{0, 0, unique}, payload, static_cast<size_t>(got));
  } else {
    WriteReply(device, OutHeader{0, -EIO, unique}, nullptr, 0);
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

bool TransferPool::Send(uint64_t unique, int fd, int64_t position, size_t length, bool may_end,
                        const FileState& state) {
  Transfer* transfer = Take();
  if (transfer->buffer.size() < length) transfer->buffer.resize(length);
  // Bytes in the page cache are answered here: a thread hop costs more than the copy.
  struct iovec to = {transfer->buffer.data(), length};
  ssize_t n = preadv2(fd, &to, 1, position, RWF_NOWAIT);
  if (n == static_cast<ssize_t>(length) || (may_end && n >= 0 && IsEnd(fd, position + n))) {
    if (!state.IsStillOf(fd)) n = -EIO;
    Answer(device_, unique, transfer->buffer.data(), length, n, may_end);
    idle_.push_back(transfer);
    return true;
  }
  transfer->unique = unique;
  transfer->fd = fd;
  transfer->position = position;
  transfer->length = length;
  transfer->may_end = may_end;
  transfer->state = state;
  active_++;
  if (uv_queue_work(loop_, &transfer->work, Run, Done) != 0) {
    Run(&transfer->work);
    Done(&transfer->work, 0);
  }
  return false;
}

void TransferPool::Run(uv_work_t* work) {
  Transfer* transfer = static_cast<Transfer*>(work->data);
  ssize_t got = ReadFully(transfer->fd, transfer->buffer.data(), transfer->length, transfer->position);
  if (!transfer->state.IsStillOf(transfer->fd)) got = -EIO;
  Answer(transfer->pool->device_, transfer->unique, transfer->buffer.data(), transfer->length, got,
         transfer->may_end);
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
