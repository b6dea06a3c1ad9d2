// Reads the stored bytes of a blob in order, in pieces, and hashes them.
#ifndef STRATAFS_NATIVE_STORED_BYTES_H_
#define STRATAFS_NATIVE_STORED_BYTES_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "chunk_digests.h"
#include "scan_failure.h"
#include "sha256.h"

namespace stratafs {

// A range of an open file. The descriptor is lent.
struct BlobRange {
  int fd;
  uint64_t offset;
  uint64_t length;
};

// Reads `size` bytes at `at` (from the start of the blob), fewer only at the end of the blob. Fails if the
// file ends before the blob does, or can't be read.
ScanStatus ReadBlob(const BlobRange& blob, uint64_t at, uint8_t* to, size_t size, size_t* filled);

class StoredBytes {
 public:
  static constexpr size_t kPieceSize = 1 << 20;
  static_assert(kPieceSize % ChunkDigests::kChunkSize == 0, "a piece is whole chunks");

  // `sha256` and `chunks` may be null. They and `position` (stored bytes read so far) must outlive this
  // object.
  StoredBytes(const BlobRange& blob, Sha256* sha256, ChunkDigests* chunks, std::atomic<uint64_t>* position)
      : blob_(blob), sha256_(sha256), chunks_(chunks), position_(position), piece_(new uint8_t[kPieceSize]) {}

  // Reads the next piece; `size()` is 0 at the end of the blob.
  ScanStatus Fill();
  // Reads and hashes the rest, only for the digest. Stops early if `*is_aborted` becomes true.
  ScanStatus Drain(const std::atomic<bool>& is_aborted);

  uint8_t* data() { return piece_.get(); }
  size_t size() const { return size_; }
  // Offset of the piece in the blob.
  uint64_t offset() const { return next_ - size_; }
  uint64_t length() const { return blob_.length; }

 private:
  const BlobRange blob_;
  Sha256* const sha256_;
  ChunkDigests* const chunks_;
  std::atomic<uint64_t>* const position_;
  std::unique_ptr<uint8_t[]> piece_;
  size_t size_ = 0;
  uint64_t next_ = 0;
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_STORED_BYTES_H_
