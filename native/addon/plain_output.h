// The destination of a decoder's uncompressed bytes: chunks for the consumer, spans for later random access,
// and the spill file.
//
// A span longer than the spill threshold can't be decompressed again in bounded memory, so its bytes go to
// the spill file, at their own offset in the tar, with holes for zero pages. Its length is known only late:
// until then the chunks of the current span are kept.
#ifndef STRATAFS_NATIVE_PLAIN_OUTPUT_H_
#define STRATAFS_NATIVE_PLAIN_OUTPUT_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "chunk_queue.h"
#include "scan_failure.h"
#include "span_list.h"

namespace stratafs {

struct SpillOptions {
  int fd = -1;  // -1: never spill; lent
  uint64_t threshold = 0;
  uint64_t limit = 0;  // bytes that may be written, holes not counted
};

class PlainOutput {
 public:
  PlainOutput(ChunkQueue* queue, SpanList* spans, const SpillOptions& spill)
      : queue_(queue), spans_(spans), spill_(spill) {}

  // Room for at least one byte.
  uint8_t* space();
  size_t space_size() const { return Chunk::kCapacity - (chunk_ ? chunk_->size : 0); }
  // The first `size` bytes of the space are filled. False: stop; `status()` has the reason (none: aborted).
  bool Advance(size_t size);

  // False if the windows are too large in proportion to the blob so far; its spans then get longer instead. A
  // hostile blob could cause 32 bytes of windows for each of its own.
  bool HasRoomForWindow(uint64_t blob_offset) const {
    return spans_->windows.size() <= kWindowsFree + blob_offset / 4;
  }

  // Ends the current span and starts another. `window` is the text before it (inflate only).
  bool BeginSpan(SpanKind kind, uint64_t blob_offset, uint8_t bits, const uint8_t* window,
                 size_t window_size);
  // Hands over the remaining bytes. `blob_length` ends the last span.
  bool Finish(uint64_t blob_length);

  uint64_t span_size() const { return offset_ - span_start_; }
  bool is_span_spilled() const { return is_spilling_; }
  bool has_spilled() const { return has_spilled_; }
  uint64_t offset() const { return offset_; }
  const ScanStatus& status() const { return status_; }

 private:
  // Windows up to this size are allowed for any blob, in bytes.
  static constexpr uint64_t kWindowsFree = 64 << 20;

  struct Piece {
    ChunkRef chunk;
    uint64_t tar_offset;  // of `begin`
    size_t begin;
  };

  void EndSpan();
  bool Keep();
  bool SpillPieces();
  bool SpillBytes(const uint8_t* bytes, size_t size, uint64_t tar_offset);
  bool WriteSpill(const uint8_t* bytes, size_t size, uint64_t tar_offset);
  bool AppendWindow(const uint8_t* window, size_t size);
  bool Fail(std::string found, std::string expected);

  ChunkQueue* const queue_;
  SpanList* const spans_;
  const SpillOptions spill_;
  ChunkRef chunk_;           // being filled, not pushed yet
  uint64_t offset_ = 0;      // uncompressed bytes so far
  uint64_t span_start_ = 0;  // uncompressed offset of the span in progress
  size_t chunk_begin_ = 0;   // where in chunk_ the span in progress (or its unspilled rest) begins
  std::vector<Piece> kept_;  // the full chunks of the span in progress, while it may yet be spilled
  uint32_t crc32_ = 0;       // of the span in progress, up to chunk_begin_
  bool is_spilling_ = false;
  bool has_spilled_ = false;
  uint64_t spilled_ = 0;
  ScanStatus status_;
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_PLAIN_OUTPUT_H_
