// gzip by the zlib that Node exports. Checkpoints are made at the first deflate block boundary (or member
// header) after every span_size bytes. Only near a checkpoint is zlib asked to stop at block boundaries.
#include <zlib.h>

#include <algorithm>
#include <utility>

#include "decoders.h"

namespace stratafs {

namespace {

// inflate's data_type at a block boundary (zlib.h): 128, plus 64 if the previous block was the member's last,
// plus the number of unused bits of the last byte consumed.
constexpr int kAtBoundary = 128;
constexpr int kAfterLastBlock = 64;
constexpr int kUnusedBits = 7;
constexpr uint8_t kMagic[2] = {0x1f, 0x8b};

class GzipDecoder {
 public:
  GzipDecoder(StoredBytes* in, PlainOutput* out, const DecodeOptions& options)
      : in_(in), out_(out), options_(options) {}
  ~GzipDecoder() { inflateEnd(&stream_); }

  ScanStatus Run() {
    if (inflateInit2(&stream_, 16 + MAX_WBITS) != Z_OK) return Failure("no memory", "memory to inflate");
    for (;;) {
      bool goes_on = true;
      if (ScanStatus failed = RunMember(&goes_on)) return failed;
      if (!goes_on) return {};
      if (ScanStatus failed = FindMember(&goes_on)) return failed;
      if (!goes_on) return in_->Drain(*options_.is_aborted);
      inflateReset(&stream_);
      // The first byte of the magic number may have been the last byte of the previous piece.
      if (pending_magic_) {
        uint8_t magic = kMagic[0];
        uint8_t none = 0;
        z_stream* s = &stream_;
        uint8_t* next = std::exchange(s->next_in, &magic);
        const uInt left = std::exchange(s->avail_in, 1u);
        s->next_out = &none;
        s->avail_out = 0;
        inflate(s, Z_NO_FLUSH);
        s->next_in = next;
        s->avail_in = left;
        pending_magic_ = false;
      }
    }
  }

 private:
  uint64_t position() const { return in_->offset() + in_->size() - stream_.avail_in; }

  ScanFailure Failure(std::string found, std::string expected) const {
    return {ScanFailure::Unit::kBlob, position(), std::move(found), std::move(expected)};
  }

  ScanStatus Refill() {
    if (ScanStatus failed = in_->Fill()) return failed;
    stream_.next_in = in_->data();
    stream_.avail_in = static_cast<uInt>(in_->size());
    return {};
  }

  // Inflates to the end of a member. Sets `*goes_on` to false if the output or an abort requests a stop.
  ScanStatus RunMember(bool* goes_on) {
    for (;;) {
      if (options_.is_aborted->load(std::memory_order_relaxed)) return Stop(goes_on);
      if (stream_.avail_in == 0) {
        if (ScanStatus failed = Refill()) return failed;
        if (stream_.avail_in == 0) return Failure("the end of the blob", "the rest of a gzip member");
      }
      const bool wants_checkpoint =
          !has_span_ || (out_->span_size() >= options_.span_size && out_->HasRoomForWindow(position()));
      uint64_t room = out_->space_size();
      stream_.next_out = out_->space();
      if (!wants_checkpoint && out_->span_size() < options_.span_size) {
        room = std::min(room, options_.span_size - out_->span_size());
      }
      stream_.avail_out = static_cast<uInt>(room);
      const int result = inflate(&stream_, wants_checkpoint ? Z_BLOCK : Z_NO_FLUSH);
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
        return Failure(stream_.msg != nullptr ? stream_.msg : "no gzip data", "valid gzip data");
      }
      if (!out_->Advance(static_cast<size_t>(room - stream_.avail_out))) return Stop(goes_on);
      if (result == Z_STREAM_END) return {};
      if (wants_checkpoint && (stream_.data_type & kAtBoundary) != 0 &&
          (stream_.data_type & kAfterLastBlock) == 0 && !Checkpoint()) {
        return Stop(goes_on);
      }
    }
  }

  ScanStatus Stop(bool* goes_on) {
    *goes_on = false;
    return {};
  }

  bool Checkpoint() {
    uint8_t window[1 << MAX_WBITS];
    uInt size = 0;
    inflateGetDictionary(&stream_, window, &size);
    has_span_ = true;
    return out_->BeginSpan(kInflateSpan, position(), static_cast<uint8_t>(stream_.data_type & kUnusedBits),
                           window, size);
  }

  // Finds out if another member follows. If so, the stream's input is at its magic number, except for
  // `pending_magic_`.
  ScanStatus FindMember(bool* is_found) {
    *is_found = false;
    if (stream_.avail_in == 0) {
      if (ScanStatus failed = Refill()) return failed;
    }
    if (stream_.avail_in == 0 || stream_.next_in[0] != kMagic[0]) return {};
    if (stream_.avail_in > 1) {
      *is_found = stream_.next_in[1] == kMagic[1];
      return {};
    }
    if (ScanStatus failed = Refill()) return failed;
    pending_magic_ = *is_found = stream_.avail_in > 0 && stream_.next_in[0] == kMagic[1];
    return {};
  }

  StoredBytes* const in_;
  PlainOutput* const out_;
  const DecodeOptions options_;
  z_stream stream_ = {};
  bool has_span_ = false;
  bool pending_magic_ = false;
};

}  // namespace

ScanStatus DecodeGzip(StoredBytes* in, PlainOutput* out, const DecodeOptions& options) {
  return GzipDecoder(in, out, options).Run();
}

}  // namespace stratafs
