// The reason why a scan ended early, for people: what was found, where, and what was expected.
#ifndef STRATAFS_NATIVE_SCAN_FAILURE_H_
#define STRATAFS_NATIVE_SCAN_FAILURE_H_

#include <cstdint>
#include <optional>
#include <string>

namespace stratafs {

struct ScanFailure {
  enum class Unit { kTar, kBlob };

  Unit unit;
  // Bytes from the start of the uncompressed tar (kTar) or of the stored blob (kBlob).
  uint64_t offset;
  std::string found;
  std::string expected;
};

// No value: success.
using ScanStatus = std::optional<ScanFailure>;

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_SCAN_FAILURE_H_
