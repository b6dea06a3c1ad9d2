#include "tar_framer.h"

#include <string.h>

#include <algorithm>
#include <utility>

#include "tar_numbers.h"

namespace stratafs {

namespace {

constexpr size_t kBlockSize = 512;
constexpr size_t kFrameSize = 32;
static_assert(TarFramer::kRecordHeaderSize == kFrameSize + kBlockSize);
// Offsets in a header block (POSIX ustar; GNU's old sparse form for the last two).
constexpr size_t kSizeField = 124;
constexpr size_t kSizeLength = 12;
constexpr size_t kTypeField = 156;
constexpr size_t kNameLength = 100;
constexpr size_t kIsExtendedField = 482;
constexpr size_t kExtensionIsExtendedField = 504;

// A record must fit into 8 MiB. Go's archive/tar allows 1 MiB for each of the three; a pax header with a long
// sparse map may need more.
constexpr uint64_t kLongNameLimit = 1 << 20;
constexpr uint64_t kPaxLimit = 4 << 20;
constexpr uint64_t kSparseExtensionLimit = 4 << 20;
constexpr uint64_t kMemberLimit = 1 << 28;
// Larger numbers are not exact in a double.
constexpr uint64_t kOffsetLimit = uint64_t{1} << 53;

bool IsZeroBlock(const uint8_t* block) {
  return block[0] == 0 && memcmp(block, block + 1, kBlockSize - 1) == 0;
}

bool HasData(const uint8_t* header) {
  const uint8_t type = header[kTypeField];
  if (type >= '1' && type <= '6') return false;
  // A directory of a v7 archive.
  const size_t name_length = strnlen(reinterpret_cast<const char*>(header), kNameLength);
  return type != 0 || name_length == 0 || header[name_length - 1] != '/';
}

void StoreDouble(uint8_t* to, uint64_t value) {
  const double number = static_cast<double>(value);
  memcpy(to, &number, sizeof(number));
}

}  // namespace

TarFramer::Step TarFramer::Next() {
  if (has_ended_) return Step::kEnd;
  if (!Skip(data_left_, "a member's data")) return Step::kFailed;
  data_left_ = 0;
  PassPadding();
  bool is_end = false;
  if (!ReadHeader(&is_end)) return Step::kFailed;
  if (is_end) {
    for (uint64_t passed; (passed = bytes_->Skip(kOffsetLimit)) > 0;) offset_ += passed;
    if ((failure_ = bytes_->status())) return Step::kFailed;
    has_ended_ = true;
    return Step::kEnd;
  }
  if (++member_count_ > kMemberLimit) {
    Fail(header_offset_, "one member more", "at most " + std::to_string(kMemberLimit) + " members");
    return Step::kFailed;
  }
  uint64_t size = 0;
  if (!FindDataSize(&size)) return Step::kFailed;
  const uint8_t type = header()[kTypeField];
  const bool is_long_name = type == 'L' || type == 'K';
  const bool is_pax = type == 'x' || type == 'X' || type == 'g';
  uint64_t data_offset = offset_;
  if (is_long_name || is_pax) {
    if (!ReadMeta(size, is_pax ? kPaxLimit : kLongNameLimit)) return Step::kFailed;
    if (type == 'x' || type == 'X') {
      // The global values hold unless the header overrides them, with an empty `size` too.
      if (!has_local_) local_size_ = global_size_;
      has_local_ = true;
    }
    if (is_pax && !TakePaxSize(type == 'g' ? &global_size_ : &local_size_)) return Step::kFailed;
  } else {
    if (type == 'S' && !ReadSparseExtensions()) return Step::kFailed;
    data_offset = offset_;
    has_local_ = false;
    data_left_ = size;
    padding_left_ = (kBlockSize - size % kBlockSize) % kBlockSize;
  }
  if (size > kOffsetLimit - offset_) {
    Fail(header_offset_ + kSizeField, "a member of " + std::to_string(size) + " bytes",
         "an offset below 2^53");
    return Step::kFailed;
  }
  const uint32_t meta_size = static_cast<uint32_t>(record_.size() - TarFramer::kRecordHeaderSize);
  record_.resize((record_.size() + 7) & ~size_t{7});
  StoreDouble(record_.data(), header_offset_);
  StoreDouble(record_.data() + 8, data_offset);
  StoreDouble(record_.data() + 16, size);
  memcpy(record_.data() + 24, &meta_size, sizeof(meta_size));
  const uint32_t is_tail_clean = is_tail_clean_ ? 1 : 0;
  memcpy(record_.data() + 28, &is_tail_clean, sizeof(is_tail_clean));
  return Step::kRecord;
}

// The bytes may end inside the last member's padding: Go accepts that too.
void TarFramer::PassPadding() {
  if (!bytes_->sees_all()) {
    offset_ += bytes_->Skip(padding_left_);
    is_tail_clean_ = false;
    return;
  }
  uint8_t padding[kBlockSize];
  const size_t done = bytes_->Read(padding, padding_left_);
  offset_ += done;
  is_tail_clean_ =
      done == padding_left_ && std::all_of(padding, padding + done, [](uint8_t byte) { return byte == 0; });
}

bool TarFramer::Skip(uint64_t size, const char* what) {
  if (size == 0) return true;
  const uint64_t done = bytes_->Skip(size);
  offset_ += done;
  return done == size || FailEnded(done, size, what);
}

// Appends the next `size` bytes to the record.
bool TarFramer::AppendBlocks(uint64_t size, const char* what) {
  const size_t start = record_.size();
  record_.resize(start + size);
  const size_t done = bytes_->Read(record_.data() + start, size);
  offset_ += done;
  return done == size || FailEnded(done, size, what);
}

bool TarFramer::ReadHeader(bool* is_end) {
  padding_left_ = 0;
  header_offset_ = offset_;
  record_.resize(TarFramer::kRecordHeaderSize);
  const size_t done = bytes_->Read(header(), kBlockSize);
  offset_ += done;
  *is_end = done == 0 || (done == kBlockSize && IsZeroBlock(header()));
  if (*is_end) {
    failure_ = done == 0 ? bytes_->status() : std::nullopt;
    return !failure_;
  }
  if (done < kBlockSize) return FailEnded(done, kBlockSize, "a header block");
  if (HasTarChecksum(header())) return true;
  return Fail(header_offset_, "a block whose checksum is wrong", "a tar header");
}

bool TarFramer::FindDataSize(uint64_t* size) {
  const uint8_t type = header()[kTypeField];
  *size = 0;
  if (!HasData(header())) return true;
  const std::optional<uint64_t> field = ParseTarSize(header() + kSizeField, kSizeLength);
  const bool is_extension = type == 'L' || type == 'K' || type == 'x' || type == 'X' || type == 'g';
  const std::optional<uint64_t> pax = has_local_ ? local_size_ : global_size_;
  if (!is_extension && pax) {
    *size = *pax;
    return true;
  }
  if (!field) {
    return Fail(header_offset_ + kSizeField, ShowTarField(header() + kSizeField, kSizeLength),
                "a size, octal or base-256");
  }
  *size = *field;
  return true;
}

bool TarFramer::ReadMeta(uint64_t size, uint64_t limit) {
  const char type = static_cast<char>(header()[kTypeField]);
  if (size > limit) {
    return Fail(
        header_offset_,
        std::string("an extended header of type ") + type + " with " + std::to_string(size) + " bytes",
        "at most " + std::to_string(limit));
  }
  if (!AppendBlocks(size, "an extended header")) return false;
  return Skip((kBlockSize - size % kBlockSize) % kBlockSize, "an extended header");
}

bool TarFramer::ReadSparseExtensions() {
  uint8_t is_extended = header()[kIsExtendedField];
  while (is_extended != 0) {
    if (record_.size() - TarFramer::kRecordHeaderSize >= kSparseExtensionLimit) {
      return Fail(offset_, "one sparse map block more",
                  "a map of at most " + std::to_string(kSparseExtensionLimit) + " bytes");
    }
    if (!AppendBlocks(kBlockSize, "a sparse map block")) return false;
    is_extended = record_[record_.size() - kBlockSize + kExtensionIsExtendedField];
  }
  return true;
}

// Finds `size` among the pax records of the record's meta. The last one counts; an empty value cancels it.
bool TarFramer::TakePaxSize(std::optional<uint64_t>* size) {
  const uint8_t* meta = record_.data() + TarFramer::kRecordHeaderSize;
  const size_t length = record_.size() - TarFramer::kRecordHeaderSize;
  size_t bad = 0;
  const std::optional<PaxSize> found = FindPaxSize(meta, length, &bad);
  if (!found) {
    const uint64_t payload = header_offset_ + kBlockSize;
    return Fail(payload + bad, ShowTarField(meta + bad, std::min<size_t>(length - bad, 24)),
                "a pax record \"LENGTH KEY=VALUE\\n\" (of size: a number)");
  }
  if (found->is_present) *size = found->value;
  return true;
}

bool TarFramer::Fail(uint64_t offset, std::string found, std::string expected) {
  failure_ = ScanFailure{ScanFailure::Unit::kTar, offset, std::move(found), std::move(expected)};
  return false;
}

bool TarFramer::FailEnded(uint64_t done, uint64_t wanted, const char* what) {
  if ((failure_ = bytes_->status())) return false;
  return Fail(offset_, "the end of the tar",
              std::to_string(wanted - done) + " more bytes of " + what + " (" + std::to_string(wanted) +
                  " bytes, header at " + std::to_string(header_offset_) + ")");
}

}  // namespace stratafs
