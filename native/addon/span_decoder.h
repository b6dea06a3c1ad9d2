// Decompresses one span of a blob again, from its checkpoint. Knows nothing of Node; runs on any thread.
#ifndef STRATAFS_NATIVE_SPAN_DECODER_H_
#define STRATAFS_NATIVE_SPAN_DECODER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "span_list.h"
#include "stored_bytes.h"

namespace stratafs {

struct SpanInput {
  SpanKind kind;
  // The span's stored bytes.
  BlobRange stored;
  // Inflate only: the number of high bits of the byte before `stored` that come first, and the text before
  // the span (raw deflate).
  uint8_t bits;
  const uint8_t* window;
  size_t window_size;
  // Of the uncompressed bytes.
  uint32_t crc32;
};

// Fills all of `out`; false if the bytes can't be read or differ from those that were scanned.
bool DecodeSpan(const SpanInput& in, uint8_t* out, size_t size);

// A part of what is decompressed, and its sha256.
struct PlainPiece {
  uint64_t offset;
  uint64_t size;
  const uint8_t* sha256;
};

// Fills all of `out` with the first bytes of whole gzip members or zstd frames. False if the stored bytes
// give fewer, or if a piece is another than its digest states.
bool DecodeMembers(const BlobRange& stored, SpanKind kind, const std::vector<PlainPiece>& pieces,
                   uint8_t* out, size_t size);

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_SPAN_DECODER_H_
