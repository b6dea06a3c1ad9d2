// A short queue of uncompressed bytes from the thread that reads and inflates to the thread that hashes and
// frames.
#ifndef STRATAFS_NATIVE_CHUNK_QUEUE_H_
#define STRATAFS_NATIVE_CHUNK_QUEUE_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

#include "scan_failure.h"

namespace stratafs {

struct Chunk {
  static constexpr size_t kCapacity = 256 << 10;

  // Not zeroed: only the first `size` bytes are valid. Nobody writes to a chunk after it was pushed.
  std::unique_ptr<uint8_t[]> bytes{new uint8_t[kCapacity]};
  size_t size = 0;
};
using ChunkRef = std::shared_ptr<Chunk>;

class ChunkQueue {
 public:
  // Waits for room. False: the consumer has stopped; stop too.
  bool Push(ChunkRef chunk) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return chunks_.size() < kDepth || is_aborted_; });
    if (is_aborted_) return false;
    chunks_.push_back(std::move(chunk));
    changed_.notify_all();
    return true;
  }

  // Called once, when the producer ends.
  void End(ScanStatus status) {
    std::lock_guard<std::mutex> lock(mutex_);
    has_ended_ = true;
    status_ = std::move(status);
    changed_.notify_all();
  }

  // Waits for a chunk. Null: ended or aborted.
  ChunkRef Pop() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return !chunks_.empty() || has_ended_ || is_aborted_; });
    if (is_aborted_ || chunks_.empty()) return nullptr;
    ChunkRef chunk = std::move(chunks_.front());
    chunks_.pop_front();
    changed_.notify_all();
    return chunk;
  }

  // The result of the producer; valid after Pop has returned null.
  ScanStatus status() {
    std::lock_guard<std::mutex> lock(mutex_);
    return status_;
  }

  void Abort() {
    std::lock_guard<std::mutex> lock(mutex_);
    is_aborted_ = true;
    chunks_.clear();
    changed_.notify_all();
  }

 private:
  static constexpr size_t kDepth = 8;

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::deque<ChunkRef> chunks_;
  ScanStatus status_;
  bool has_ended_ = false;
  bool is_aborted_ = false;
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_CHUNK_QUEUE_H_
