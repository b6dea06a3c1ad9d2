// Finds the members of a tar: the offsets of header and data, and the length of the data. TypeScript
// interprets the members (src/tar).
//
// The types that carry data are those of Go's archive/tar, and so of containerd and docker: hard link,
// symlink, device, directory and FIFO (1 to 6) never do, whatever their size says; all others do. The first
// zero block ends the archive, as does the end of the bytes at a block boundary. Anything after it is hashed
// but not parsed.
#ifndef STRATAFS_NATIVE_TAR_FRAMER_H_
#define STRATAFS_NATIVE_TAR_FRAMER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scan_failure.h"

namespace stratafs {

// Uncompressed bytes, read in order.
class TarBytes {
 public:
  virtual ~TarBytes() = default;
  // Copies up to `size` bytes; fewer only at the end, or if the bytes can't be read.
  virtual size_t Read(uint8_t* to, size_t size) = 0;
  // Skips up to `size` bytes; returns how many.
  virtual uint64_t Skip(uint64_t size) = 0;
  // The reason why the bytes ended; no value: the end of the tar.
  virtual ScanStatus status() = 0;
  // False: bytes that are skipped are not read either, and reading them would cost time.
  virtual bool sees_all() const = 0;
};

class TarFramer {
 public:
  // The size of the smallest record: frame and header block.
  static constexpr size_t kRecordHeaderSize = 544;

  explicit TarFramer(TarBytes* bytes) : bytes_(bytes) {}

  enum class Step { kRecord, kEnd, kFailed };

  // Finds the next member and fills `record()`, in the form of RECORD_HEADER_SIZE in src/sys/scan.ts.
  Step Next();

  const std::vector<uint8_t>& record() const { return record_; }
  // Valid after kFailed.
  const ScanFailure& failure() const { return *failure_; }
  // Uncompressed bytes consumed so far.
  uint64_t offset() const { return offset_; }
  // True if the padding of the member before the last step was read: all of it was there, and zeros.
  bool is_tail_clean() const { return is_tail_clean_; }

 private:
  bool Skip(uint64_t size, const char* what);
  void PassPadding();
  bool AppendBlocks(uint64_t size, const char* what);
  bool ReadHeader(bool* is_end);
  bool ReadMeta(uint64_t size, uint64_t limit);
  bool ReadSparseExtensions();
  bool FindDataSize(uint64_t* size);
  bool TakePaxSize(std::optional<uint64_t>* size);
  bool Fail(uint64_t offset, std::string found, std::string expected);
  bool FailEnded(uint64_t done, uint64_t wanted, const char* what);

  uint8_t* header() { return record_.data() + 32; }

  TarBytes* const bytes_;
  std::vector<uint8_t> record_;
  uint64_t offset_ = 0;
  uint64_t header_offset_ = 0;
  uint64_t data_left_ = 0;  // of the member last found, not passed yet
  uint64_t padding_left_ = 0;
  bool is_tail_clean_ = false;
  bool has_ended_ = false;
  uint64_t member_count_ = 0;
  bool has_local_ = false;               // a pax x header came before the next member
  std::optional<uint64_t> local_size_;   // pax `size` of the next member, if has_local_
  std::optional<uint64_t> global_size_;  // pax g `size`
  ScanStatus failure_;
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_TAR_FRAMER_H_
