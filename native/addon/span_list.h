// The spans of a compressed blob, collected by the scan: see SpanTable in src/sys/scan.ts.
#ifndef STRATAFS_NATIVE_SPAN_LIST_H_
#define STRATAFS_NATIVE_SPAN_LIST_H_

#include <cstdint>
#include <vector>

namespace stratafs {

enum SpanKind : uint8_t { kInflateSpan = 0, kZstdSpan = 1, kSpillSpan = 2 };

struct SpanList {
  std::vector<double> plain_offset;
  std::vector<double> blob_offset;
  std::vector<uint8_t> bits;
  std::vector<uint8_t> kind;
  std::vector<uint32_t> window_offset;
  std::vector<uint32_t> crc32;
  std::vector<uint8_t> windows;
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_SPAN_LIST_H_
