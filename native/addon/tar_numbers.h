// The numbers that framing a tar needs: sizes, checksums, and pax `size` records.
#ifndef STRATAFS_NATIVE_TAR_NUMBERS_H_
#define STRATAFS_NATIVE_TAR_NUMBERS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace stratafs {

// An octal number between optional spaces and NULs (POSIX), where all blank is 0; or GNU's base-256 with 0x80
// as its first byte. No value if it is negative, over 2^63, or not a number.
std::optional<uint64_t> ParseTarSize(const uint8_t* field, size_t length);

// True if the checksum is the sum of the block's bytes with the checksum field as spaces. Some old tars added
// signed chars: either sum is accepted.
bool HasTarChecksum(const uint8_t* header);

struct PaxSize {
  bool is_present;
  // No value: an empty one, which cancels an earlier size.
  std::optional<uint64_t> value;
};

// The last `size` of a pax payload. For a malformed record no value, and `*bad` is its offset.
std::optional<PaxSize> FindPaxSize(const uint8_t* records, size_t length, size_t* bad);

// Bytes for a message: quoted, with unprintable ones as \xNN.
std::string ShowTarField(const uint8_t* field, size_t length);

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_TAR_NUMBERS_H_
