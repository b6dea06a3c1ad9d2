#include "stored_bytes.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>

namespace stratafs {

ScanStatus ReadBlob(const BlobRange& blob, uint64_t at, uint8_t* to, size_t size, size_t* filled) {
  const uint64_t left = at < blob.length ? blob.length - at : 0;
  const size_t wanted = static_cast<size_t>(std::min<uint64_t>(size, left));
  size_t done = 0;
  while (done < wanted) {
    const ssize_t got = pread(blob.fd, to + done, wanted - done, static_cast<off_t>(blob.offset + at + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return ScanFailure{ScanFailure::Unit::kBlob, at + done, std::string("a read error: ") + strerror(errno),
                         std::to_string(blob.length) + " readable bytes"};
    }
    if (got == 0) {
      return ScanFailure{ScanFailure::Unit::kBlob, at + done, "the end of the file",
                         std::to_string(blob.length) + " bytes"};
    }
    done += static_cast<size_t>(got);
  }
  *filled = wanted;
  return {};
}

ScanStatus StoredBytes::Fill() {
  size_ = 0;
  size_t filled = 0;
  if (ScanStatus failed = ReadBlob(blob_, next_, piece_.get(), kPieceSize, &filled)) return failed;
  size_ = filled;
  next_ += filled;
  if (sha256_ != nullptr) sha256_->Update(piece_.get(), size_);
  if (chunks_ != nullptr) chunks_->Add(piece_.get(), size_);
  position_->store(next_, std::memory_order_relaxed);
  return {};
}

ScanStatus StoredBytes::Drain(const std::atomic<bool>& is_aborted) {
  do {
    if (ScanStatus failed = Fill()) return failed;
  } while (size_ > 0 && !is_aborted.load(std::memory_order_relaxed));
  return {};
}

}  // namespace stratafs
