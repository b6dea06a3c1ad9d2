// Rules common to both tables, the Tree's (tree_check.h) and a layer's (index_check.h): names, numbers, xattr
// blocks. Each check takes linear time and reads only its own bytes.
#ifndef STRATAFS_NATIVE_TABLE_RULES_H_
#define STRATAFS_NATIVE_TABLE_RULES_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace stratafs {

// The reason why a table is refused: a rule, and the number of the entry that breaks it. `rule` is null for a
// good table.
struct TableFault {
  const char* rule = nullptr;
  size_t entry = 0;
  explicit operator bool() const { return rule != nullptr; }
};

// Larger whole numbers are not exact in a double.
constexpr double kMaxWhole = 9007199254740991.0;  // 2^53 - 1
// Length of a symlink's target or a path, without the final NUL (PATH_MAX).
constexpr uint64_t kMaxTarget = 4095;
constexpr uint32_t kMaxNanoseconds = 999'999'999;

// Columns are lent as bytes; an element is copied, since it may not be aligned.
template <typename T>
T LoadElement(const uint8_t* column, size_t n) {
  T value;
  memcpy(&value, column + n * sizeof(T), sizeof(T));
  return value;
}

// A whole number from 0 to `max`, which is at most 2^53 - 1. False for NaN.
inline bool IsWhole(double number, double max = kMaxWhole) {
  return number >= 0 && number <= max && number == static_cast<double>(static_cast<uint64_t>(number));
}

// Seconds since 1970, negative before.
inline bool IsTime(double seconds, uint32_t nanoseconds) {
  return (seconds < 0 ? IsWhole(-seconds) : IsWhole(seconds)) && nanoseconds <= kMaxNanoseconds;
}

// A range of bytes at `offset` that ends at or below `end`.
inline bool IsRange(double offset, double length, double end = kMaxWhole) {
  return IsWhole(offset, end) && IsWhole(length, end) && offset + length <= end;
}

// True if the mode has a valid file type.
bool HasType(uint32_t mode);

// A valid name in a directory: not empty, "." or ".."; no slash and no NUL.
bool IsFileName(std::string_view name);

// The offsets at which the blocks of a list start, as a set.
class Starts {
 public:
  explicit Starts(size_t size) : bits_((size + 63) / 64) {}
  void Add(size_t offset) { bits_[offset / 64] |= uint64_t{1} << (offset % 64); }
  bool Has(size_t offset) const {
    return offset / 64 < bits_.size() && (bits_[offset / 64] >> (offset % 64) & 1) != 0;
  }

 private:
  std::vector<uint64_t> bits_;
};

// Checks the blocks of xattrs, which must fill `size` bytes without gaps, and records the start of each. Sets
// `has_acl` to true if a name is that of a POSIX ACL. `entry` of a fault is an offset.
TableFault CheckXattrBlocks(const uint8_t* xattrs, size_t size, Starts* starts, bool* has_acl);

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_TABLE_RULES_H_
