#include "tar_bytes.h"

#include <string.h>

#include <algorithm>

namespace stratafs {

bool QueuedTar::Refill() {
  while (!chunk_ || at_ == chunk_->size) {
    chunk_ = queue_->Pop();
    at_ = 0;
    if (!chunk_) return false;
    if (sha256_ != nullptr) sha256_->Update(chunk_->bytes.get(), chunk_->size);
  }
  return true;
}

size_t QueuedTar::Read(uint8_t* to, size_t size) {
  size_t done = 0;
  while (done < size && Refill()) {
    const size_t part = std::min(size - done, chunk_->size - at_);
    memcpy(to + done, chunk_->bytes.get() + at_, part);
    at_ += part;
    done += part;
  }
  return done;
}

uint64_t QueuedTar::Skip(uint64_t size) {
  uint64_t done = 0;
  while (done < size && Refill()) {
    const uint64_t part = std::min<uint64_t>(size - done, chunk_->size - at_);
    at_ += static_cast<size_t>(part);
    done += part;
  }
  return done;
}

size_t SkippedTar::Read(uint8_t* to, size_t size) {
  size_t done = 0;
  while (done < size && at_ < blob_.length) {
    if (at_ < window_start_ || at_ >= window_start_ + window_length_) {
      const bool is_dense = at_ - (window_start_ + window_length_) < kWindowSize;
      window_start_ = at_;
      window_length_ = 0;
      status_ =
          ReadBlob(blob_, at_, window_.get(), is_dense ? kWindowSize : kSparseReadSize, &window_length_);
      position_->store(at_, std::memory_order_relaxed);
      if (status_) break;
    }
    const size_t from = static_cast<size_t>(at_ - window_start_);
    const size_t part = std::min(size - done, window_length_ - from);
    memcpy(to + done, window_.get() + from, part);
    at_ += part;
    done += part;
  }
  return done;
}

uint64_t SkippedTar::Skip(uint64_t size) {
  const uint64_t done = std::min(size, blob_.length - at_);
  at_ += done;
  return done;
}

}  // namespace stratafs
