// The two sources of a tar's bytes: the queue of a producer thread, and a plain blob that is skipped through.
#ifndef STRATAFS_NATIVE_TAR_BYTES_H_
#define STRATAFS_NATIVE_TAR_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "chunk_queue.h"
#include "sha256.h"
#include "stored_bytes.h"
#include "tar_framer.h"

namespace stratafs {

// Hashes every byte of the queue, also those that are skipped.
class QueuedTar : public TarBytes {
 public:
  // `sha256` may be null. Both must outlive this object.
  QueuedTar(ChunkQueue* queue, Sha256* sha256) : queue_(queue), sha256_(sha256) {}

  size_t Read(uint8_t* to, size_t size) override;
  uint64_t Skip(uint64_t size) override;
  ScanStatus status() override { return queue_->status(); }
  bool sees_all() const override { return true; }

 private:
  bool Refill();

  ChunkQueue* const queue_;
  Sha256* const sha256_;
  ChunkRef chunk_;
  size_t at_ = 0;
};

// Reads only what is requested, with a little read-ahead: where small members follow each other, one read
// gets many headers; after a large member a read is short.
class SkippedTar : public TarBytes {
 public:
  SkippedTar(const BlobRange& blob, std::atomic<uint64_t>* position)
      : blob_(blob), position_(position), window_(new uint8_t[kWindowSize]) {}

  size_t Read(uint8_t* to, size_t size) override;
  uint64_t Skip(uint64_t size) override;
  ScanStatus status() override { return status_; }
  bool sees_all() const override { return false; }

 private:
  static constexpr size_t kWindowSize = 64 << 10;
  static constexpr size_t kSparseReadSize = 4 << 10;

  const BlobRange blob_;
  std::atomic<uint64_t>* const position_;
  std::unique_ptr<uint8_t[]> window_;
  uint64_t window_start_ = 0;
  size_t window_length_ = 0;
  uint64_t at_ = 0;
  ScanStatus status_;
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_TAR_BYTES_H_
