// The numbers of a tar that framing needs: sizes, checksums, and pax `size` records.
#ifndef STRATAFS_NATIVE_TAR_NUMBERS_H_
#define STRATAFS_NATIVE_TAR_NUMBERS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace stratafs {

// An octal number between optional spaces and NULs (POSIX), all blank is 0; or GNU's base-256, first byte
// 0x80. Nothing: negative, over 2^63, or no number.
std::optional<uint64_t> ParseTarSize(const uint8_t* field, size_t length);

// The sum of a header block's bytes, the checksum field taken as spaces. Some old tars added signed chars:
// both count.
bool HasTarChecksum(const uint8_t* header);

struct PaxSize {
  bool is_present;
  // Nothing: an empty value, which takes an earlier one back.
  std::optional<uint64_t> value;
};

// The last `size` of a pax payload. Nothing, and `*bad` is where: a malformed record.
std::optional<PaxSize> FindPaxSize(const uint8_t* records, size_t length, size_t* bad);

// Bytes for a message: quoted, unprintable ones as \xNN.
std::string ShowTarField(const uint8_t* field, size_t length);

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_TAR_NUMBERS_H_
