// zstd by the system's library. Spans are groups of whole frames, because a checkpoint can't lie inside a
// frame.
#include <string>

#include "decoders.h"
#include "zstd_library.h"

namespace stratafs {

namespace {

class ZstdDecoder {
 public:
  ZstdDecoder(const ZstdLibrary& library, StoredBytes* in, PlainOutput* out, const DecodeOptions& options)
      : library_(library), in_(in), out_(out), options_(options), context_(CreateZstdContext(library)) {}
  ~ZstdDecoder() { library_.free_context(context_); }

  ScanStatus Run() {
    if (context_ == nullptr) return Failure("no memory", "memory for zstd");
    if (!out_->BeginSpan(kZstdSpan, 0, 0, nullptr, 0)) return {};
    for (bool goes_on = true; goes_on;) {
      if (ScanStatus failed = in_->Fill()) return failed;
      input_ = {in_->data(), in_->size(), 0};
      if (in_->size() == 0) {
        if (is_inside_frame_) return Failure("the end of the blob", "the rest of a zstd frame");
        return {};
      }
      if (ScanStatus failed = RunPiece(&goes_on)) return failed;
    }
    return {};
  }

 private:
  ScanFailure Failure(std::string found, std::string expected) const {
    return {ScanFailure::Unit::kBlob, in_->offset() + input_.position, std::move(found), std::move(expected)};
  }

  // Decompresses a piece of the blob. Sets `*goes_on` to false if the output or an abort requests a stop.
  ScanStatus RunPiece(bool* goes_on) {
    bool has_more = true;
    while (has_more || input_.position < input_.size) {
      *goes_on = !options_.is_aborted->load(std::memory_order_relaxed);
      if (!*goes_on) return {};
      ZstdOutput output = {out_->space(), out_->space_size(), 0};
      const size_t result = library_.decompress(context_, &output, &input_);
      if (library_.is_error(result) != 0)
        return Failure(library_.error_name(result), "valid zstd data with windows of 128 MiB at most");
      // If the output is full, the decoder may hold more bytes, even without input.
      has_more = result != 0 && output.position == output.size;
      is_inside_frame_ = result != 0;
      *goes_on = out_->Advance(output.position);
      if (*goes_on && result == 0 && (out_->span_size() >= options_.span_size || out_->is_span_spilled())) {
        *goes_on = out_->BeginSpan(kZstdSpan, in_->offset() + input_.position, 0, nullptr, 0);
      }
      if (!*goes_on) return {};
    }
    return {};
  }

  const ZstdLibrary& library_;
  StoredBytes* const in_;
  PlainOutput* const out_;
  const DecodeOptions options_;
  ZstdContext* const context_;
  ZstdInput input_ = {};
  bool is_inside_frame_ = false;
};

}  // namespace

ScanStatus DecodeZstd(StoredBytes* in, PlainOutput* out, const DecodeOptions& options) {
  const ZstdLibrary* library = LoadZstd();
  if (library == nullptr)
    return ScanFailure{ScanFailure::Unit::kBlob, 0, kZstdMissing, "a library that reads zstd"};
  return ZstdDecoder(*library, in, out, options).Run();
}

}  // namespace stratafs
