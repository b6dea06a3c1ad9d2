// The producers of a scan. Each reads all stored bytes and writes the uncompressed ones to a PlainOutput.
//
// They return the fault of the blob. If they stop early without one, the output has the reason (see
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

// RFC 1952: any number of members. Zeros or junk after the last one belong to the blob only.
ScanStatus DecodeGzip(StoredBytes* in, PlainOutput* out, const DecodeOptions& options);

// RFC 8878: any number of frames, including skippable ones.
ScanStatus DecodeZstd(StoredBytes* in, PlainOutput* out, const DecodeOptions& options);

// The xz file format: any number of streams, each followed by zeros in multiples of four. All of it is one
// span, which can only be read from the spill.
ScanStatus DecodeXz(StoredBytes* in, PlainOutput* out, const DecodeOptions& options);

// Like xz, for bzip2: any number of streams. Junk after the last one belongs to the blob only.
ScanStatus DecodeBzip2(StoredBytes* in, PlainOutput* out, const DecodeOptions& options);

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_DECODERS_H_
