// xz by the system's liblzma. It can't be read in place: all bytes go to the spill file, as one span.
#include <string>

#include "decoders.h"
#include "shared_library.h"

namespace stratafs {

namespace {

// The part of liblzma's ABI that is used here (lzma/base.h and lzma/container.h of 5.2 and later), declared
// here so that a build needs no header.
struct XzStream {
  const uint8_t* next_in;
  size_t avail_in;
  uint64_t total_in;
  uint8_t* next_out;
  size_t avail_out;
  uint64_t total_out;
  const void* allocator;
  void* internal;
  void* reserved_pointers[4];
  uint64_t seek_position;
  uint64_t reserved_number;
  size_t reserved_sizes[2];
  int reserved_enums[2];
};
static_assert(sizeof(void*) != 8 || sizeof(XzStream) == 136, "lzma_stream of a 64-bit system has 136 bytes");

enum XzResult {
  kXzOk = 0,
  kXzStreamEnd = 1,
  kXzNoMemory = 5,
  kXzMemoryLimit = 6,
  kXzNotXz = 7,
  kXzOptions = 8,
  kXzCorrupt = 9,
  kXzNoProgress = 10,
};
enum XzAction { kXzRun = 0, kXzFinish = 3 };
constexpr uint32_t kXzConcatenated = 8;

// "xz -9" has dictionaries of 64 MiB. The limit is 128 MiB of dictionary, as for zstd: each layer that is
// being read may take that much memory.
constexpr uint64_t kMemoryLimit = 160 << 20;

constexpr char kXzMissing[] =
    "no liblzma.so.5 on this system (package liblzma5 on Debian, xz-libs on Fedora and Alpine)";

struct XzLibrary {
  int (*stream_decoder)(XzStream* stream, uint64_t memory_limit, uint32_t flags);
  int (*code)(XzStream* stream, int action);
  void (*end)(XzStream* stream);
  uint64_t (*memory_usage)(const XzStream* stream);
  bool is_complete;

  XzLibrary() {
    const SharedLibrary shared({"liblzma.so.5"});
    is_complete = shared.Find("lzma_stream_decoder", &stream_decoder) && shared.Find("lzma_code", &code) &&
                  shared.Find("lzma_end", &end) && shared.Find("lzma_memusage", &memory_usage);
  }
};

class XzDecoder {
 public:
  XzDecoder(const XzLibrary& library, StoredBytes* in, PlainOutput* out, const DecodeOptions& options)
      : library_(library), in_(in), out_(out), options_(options) {}
  ~XzDecoder() { library_.end(&stream_); }

  // liblzma itself reads streams that follow each other, and the zeros between and after them.
  ScanStatus Run() {
    if (library_.stream_decoder(&stream_, kMemoryLimit, kXzConcatenated) != kXzOk) {
      return Failure("no memory", "memory for xz");
    }
    if (!out_->BeginSpan(kSpillSpan, 0, 0, nullptr, 0)) return {};
    XzAction action = kXzRun;
    while (!options_.is_aborted->load(std::memory_order_relaxed)) {
      if (stream_.avail_in == 0 && action == kXzRun) {
        if (ScanStatus failed = in_->Fill()) return failed;
        stream_.next_in = in_->data();
        stream_.avail_in = in_->size();
        if (in_->size() == 0) action = kXzFinish;
      }
      const size_t room = out_->space_size();
      stream_.next_out = out_->space();
      stream_.avail_out = room;
      const int result = library_.code(&stream_, action);
      if (result != kXzOk && result != kXzStreamEnd) return FailureOf(result);
      if (!out_->Advance(room - stream_.avail_out) || result == kXzStreamEnd) return {};
    }
    return {};
  }

 private:
  ScanFailure Failure(std::string found, std::string expected) const {
    const uint64_t position = in_->offset() + in_->size() - stream_.avail_in;
    return {ScanFailure::Unit::kBlob, position, std::move(found), std::move(expected)};
  }

  ScanFailure FailureOf(int result) const {
    switch (result) {
      case kXzNoMemory:
        return Failure("no memory", "memory for xz");
      case kXzMemoryLimit:
        return Failure("xz data that takes " + std::to_string(library_.memory_usage(&stream_) >> 20) +
                           " MiB of memory to decompress",
                       "at most " + std::to_string(kMemoryLimit >> 20) + " MiB");
      case kXzNotXz:
        return Failure("bytes that are not an xz stream", "an xz stream, or zeros after the last one");
      case kXzOptions:
        return Failure("xz data in a form that this liblzma does not know", "xz data that it can read");
      case kXzNoProgress:
        return Failure("the end of the blob", "the rest of an xz stream: it is truncated");
      case kXzCorrupt:
      default:
        return Failure("corrupt xz data", "valid xz data");
    }
  }

  const XzLibrary& library_;
  StoredBytes* const in_;
  PlainOutput* const out_;
  const DecodeOptions options_;
  XzStream stream_ = {};
};

}  // namespace

ScanStatus DecodeXz(StoredBytes* in, PlainOutput* out, const DecodeOptions& options) {
  static const XzLibrary library;
  if (!library.is_complete) {
    return ScanFailure{ScanFailure::Unit::kBlob, 0, kXzMissing, "a library that reads xz"};
  }
  return XzDecoder(library, in, out, options).Run();
}

}  // namespace stratafs
