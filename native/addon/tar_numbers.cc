#include "tar_numbers.h"

#include <string.h>

namespace stratafs {

namespace {

constexpr size_t kBlockSize = 512;
constexpr size_t kChecksumField = 148;
constexpr size_t kChecksumLength = 8;

bool IsBlank(uint8_t byte) { return byte == ' ' || byte == 0; }

// Leading zeros don't count: some writers pad with them.
std::optional<uint64_t> ParseDecimal(const uint8_t* digits, size_t length) {
  if (length == 0) return {};
  for (; length > 1 && *digits == '0'; length--) digits++;
  if (length > 18) return {};
  uint64_t value = 0;
  for (size_t i = 0; i < length; i++) {
    if (digits[i] < '0' || digits[i] > '9') return {};
    value = value * 10 + (digits[i] - '0');
  }
  return value;
}

}  // namespace

std::optional<uint64_t> ParseTarSize(const uint8_t* field, size_t length) {
  uint64_t value = 0;
  if ((field[0] & 0x80) != 0) {
    if (field[0] != 0x80) return {};
    for (size_t i = 1; i < length; i++) {
      if (value >> 55 != 0) return {};
      value = value << 8 | field[i];
    }
    return value;
  }
  size_t at = 0;
  while (at < length && IsBlank(field[at])) at++;
  for (; at < length && field[at] >= '0' && field[at] <= '7'; at++) value = value << 3 | (field[at] - '0');
  if (at < length && !IsBlank(field[at])) return {};
  return value;
}

bool HasTarChecksum(const uint8_t* header) {
  const std::optional<uint64_t> stored = ParseTarSize(header + kChecksumField, kChecksumLength);
  if (!stored) return false;
  uint64_t sum = 0;
  int64_t signed_sum = 0;
  for (size_t i = 0; i < kBlockSize; i++) {
    const uint8_t byte = i - kChecksumField < kChecksumLength ? ' ' : header[i];
    sum += byte;
    signed_sum += static_cast<int8_t>(byte);
  }
  return *stored == sum || static_cast<int64_t>(*stored) == signed_sum;
}

std::optional<PaxSize> FindPaxSize(const uint8_t* records, size_t length, size_t* bad) {
  PaxSize found = {false, {}};
  for (size_t at = 0; at < length;) {
    *bad = at;
    const uint8_t* record = records + at;
    const size_t left = length - at;
    const void* space = memchr(record, ' ', left < 20 ? left : 20);
    if (space == nullptr) return {};
    const size_t digits = static_cast<size_t>(static_cast<const uint8_t*>(space) - record);
    const std::optional<uint64_t> size = ParseDecimal(record, digits);
    if (!size || *size < digits + 3 || *size > left || record[*size - 1] != '\n') return {};
    const uint8_t* key = record + digits + 1;
    const size_t body = *size - digits - 2;
    const void* equals = memchr(key, '=', body);
    if (equals == nullptr || equals == key) return {};
    const size_t key_length = static_cast<size_t>(static_cast<const uint8_t*>(equals) - key);
    if (key_length == 4 && memcmp(key, "size", 4) == 0) {
      const size_t value_length = body - key_length - 1;
      const std::optional<uint64_t> value = ParseDecimal(key + 5, value_length);
      if (!value && value_length > 0) return {};
      found = {true, value};
    }
    at += *size;
  }
  return found;
}

std::string ShowTarField(const uint8_t* field, size_t length) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string shown = "\"";
  for (size_t i = 0; i < length; i++) {
    if (field[i] >= ' ' && field[i] < 0x7f && field[i] != '"' && field[i] != '\\') {
      shown.push_back(static_cast<char>(field[i]));
    } else {
      shown += {'\\', 'x', kDigits[field[i] >> 4], kDigits[field[i] & 15]};
    }
  }
  return shown + '"';
}

}  // namespace stratafs
