// The producers of a scan: each reads the stored bytes to their end and puts the uncompressed ones to a
// PlainOutput.
//
// They return what was wrong with the blob. Nothing wrong, and stopped early: the output says why (see
// PlainOutput::Advance), or the scan was aborted.
#ifndef STRATAFS_NATIVE_DECODERS_H_
#define STRATAFS_NATIVE_DECODERS_H_

#include <atomic>
#include <cstdint>

#include "plain_output.h"
#include "scan_failure.h"
#include "stored_bytes.h"

namespace stratafs {

struct DecodeOptions {
  uint64_t span_size;
  const std::atomic<bool>* is_aborted;
};

// RFC 1952: any number of members; zeros or junk behind the last one belong to the blob only.
ScanStatus DecodeGzip(StoredBytes* in, PlainOutput* out, const DecodeOptions& options);

// RFC 8878: any number of frames, skippable ones among them.
ScanStatus DecodeZstd(StoredBytes* in, PlainOutput* out, const DecodeOptions& options);

// The xz file format: any number of streams, and zeros in fours behind each. All of it is one span, which can
// only be read from the spill.
ScanStatus DecodeXz(StoredBytes* in, PlainOutput* out, const DecodeOptions& options);

// The same of bzip2: any number of streams; junk behind the last one belongs to the blob only.
ScanStatus DecodeBzip2(StoredBytes* in, PlainOutput* out, const DecodeOptions& options);

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_DECODERS_H_
