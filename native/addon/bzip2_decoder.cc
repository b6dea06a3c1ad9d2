// bzip2 by the system's libbz2. It can't be read in place: all bytes go to the spill file, as one span.
#include <string>

#include "decoders.h"
#include "shared_library.h"

namespace stratafs {

namespace {

// The part of libbz2's ABI that is used here (bzlib.h, 1.0), declared here so that a build needs no header.
struct Bzip2Stream {
  uint8_t* next_in;
  unsigned avail_in;
  unsigned total_in[2];
  uint8_t* next_out;
  unsigned avail_out;
  unsigned total_out[2];
  void* state;
  void* allocate;
  void* free;
  void* opaque;
};
static_assert(sizeof(void*) != 8 || sizeof(Bzip2Stream) == 80, "bz_stream of a 64-bit system has 80 bytes");

enum Bzip2Result {
  kBzip2Ok = 0,
  kBzip2StreamEnd = 4,
  kBzip2NoMemory = -3,
  kBzip2NotBzip2 = -5,
};

constexpr char kBzip2Missing[] =
    "no libbz2.so.1.0 on this system (package libbz2-1.0 on Debian, bzip2-libs on Fedora, libbz2 on Alpine)";

struct Bzip2Library {
  int (*begin)(Bzip2Stream* stream, int verbosity, int is_small);
  int (*decompress)(Bzip2Stream* stream);
  int (*end)(Bzip2Stream* stream);
  bool is_complete;

  Bzip2Library() {
    // Debian's name, and the name of all other distributions.
    const SharedLibrary shared({"libbz2.so.1.0", "libbz2.so.1"});
    is_complete = shared.Find("BZ2_bzDecompressInit", &begin) &&
                  shared.Find("BZ2_bzDecompress", &decompress) && shared.Find("BZ2_bzDecompressEnd", &end);
  }
};

class Bzip2Decoder {
 public:
  Bzip2Decoder(const Bzip2Library& library, StoredBytes* in, PlainOutput* out, const DecodeOptions& options)
      : library_(library), in_(in), out_(out), options_(options) {}
  ~Bzip2Decoder() { library_.end(&stream_); }

  // Streams may follow each other. As in bzip2(1), other bytes after the last one are not part of the data.
  ScanStatus Run() {
    if (!out_->BeginSpan(kSpillSpan, 0, 0, nullptr, 0)) return {};
    Outcome outcome = Outcome::kStreamEnd;
    for (bool is_first = true; outcome == Outcome::kStreamEnd; is_first = false) {
      library_.end(&stream_);
      stream_.state = nullptr;
      if (library_.begin(&stream_, 0, 0) != kBzip2Ok) return Failure("no memory", "memory for bzip2");
      if (ScanStatus failed = RunStream(is_first, &outcome)) return failed;
    }
    if (outcome == Outcome::kDataEnd) return in_->Drain(*options_.is_aborted);
    return {};
  }

 private:
  // kStopped: the output is full, or the scan was aborted.
  enum class Outcome { kStreamEnd, kDataEnd, kStopped };

  ScanStatus RunStream(bool is_first, Outcome* outcome) {
    bool is_begun = false;
    for (;;) {
      *outcome = Outcome::kStopped;
      if (options_.is_aborted->load(std::memory_order_relaxed)) return {};
      if (stream_.avail_in == 0) {
        if (ScanStatus failed = in_->Fill()) return failed;
        stream_.next_in = in_->data();
        stream_.avail_in = static_cast<unsigned>(in_->size());
        if (in_->size() == 0) {
          if (is_begun || is_first) {
            return Failure("the end of the blob", "the rest of a bzip2 stream: it is truncated");
          }
          *outcome = Outcome::kDataEnd;
          return {};
        }
      }
      const size_t room = out_->space_size();
      stream_.next_out = out_->space();
      stream_.avail_out = static_cast<unsigned>(room);
      const int result = library_.decompress(&stream_);
      is_begun = true;
      if (result == kBzip2NotBzip2 && !is_first) {
        *outcome = Outcome::kDataEnd;
        return {};
      }
      if (result == kBzip2NoMemory) return Failure("no memory", "memory for bzip2");
      if (result != kBzip2Ok && result != kBzip2StreamEnd) {
        return Failure("corrupt bzip2 data", "valid bzip2 data");
      }
      if (!out_->Advance(room - stream_.avail_out)) return {};
      if (result == kBzip2StreamEnd) {
        *outcome = Outcome::kStreamEnd;
        return {};
      }
    }
  }

  ScanFailure Failure(std::string found, std::string expected) const {
    const uint64_t position = in_->offset() + in_->size() - stream_.avail_in;
    return {ScanFailure::Unit::kBlob, position, std::move(found), std::move(expected)};
  }

  const Bzip2Library& library_;
  StoredBytes* const in_;
  PlainOutput* const out_;
  const DecodeOptions options_;
  Bzip2Stream stream_ = {};
};

}  // namespace

ScanStatus DecodeBzip2(StoredBytes* in, PlainOutput* out, const DecodeOptions& options) {
  static const Bzip2Library library;
  if (!library.is_complete) {
    return ScanFailure{ScanFailure::Unit::kBlob, 0, kBzip2Missing, "a library that reads bzip2"};
  }
  return Bzip2Decoder(library, in, out, options).Run();
}

}  // namespace stratafs
