#include "span_decoder.h"

#include <openssl/evp.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "zstd_library.h"

namespace stratafs {

namespace {

constexpr size_t kPieceSize = 256 << 10;
constexpr size_t kWindowSize = 1 << MAX_WBITS;
constexpr size_t kGzipTrailerSize = 8;
// zlib then reads headers and trailers itself.
constexpr int kGzipBits = 16 + MAX_WBITS;

// The span's stored bytes, piece by piece.
class Pieces {
 public:
  explicit Pieces(const BlobRange& stored) : stored_(stored), bytes_(new uint8_t[kPieceSize]) {}

  // Reads the next piece; false at the end, or if it can't be read.
  bool Next() {
    at_ += size_;
    size_ = 0;
    return !ReadBlob(stored_, at_, bytes_.get(), kPieceSize, &size_) && size_ > 0;
  }

  uint8_t* data() { return bytes_.get(); }
  size_t size() const { return size_; }

 private:
  const BlobRange stored_;
  std::unique_ptr<uint8_t[]> bytes_;
  uint64_t at_ = 0;
  size_t size_ = 0;
};

class Inflater {
 public:
  // From a checkpoint in the middle of a member.
  explicit Inflater(const SpanInput& in) : in_(in), pieces_(in.stored), is_raw_(true) {}
  // From the header of a member.
  explicit Inflater(const BlobRange& stored) : in_(), pieces_(stored), is_raw_(false) {}
  ~Inflater() { inflateEnd(&stream_); }

  bool Run(uint8_t* out, size_t size) {
    if (inflateInit2(&stream_, is_raw_ ? -MAX_WBITS : kGzipBits) != Z_OK || !Prime()) return false;
    stream_.next_out = out;
    stream_.avail_out = static_cast<uInt>(size);
    while (stream_.avail_out > 0) {
      if (stream_.avail_in == 0 && !Refill()) return false;
      const int result = inflate(&stream_, Z_NO_FLUSH);
      if (result == Z_STREAM_END) {
        if (stream_.avail_out > 0 && !NextMember()) return false;
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        return false;
      }
    }
    return true;
  }

 private:
  bool Refill() {
    if (!pieces_.Next()) return false;
    stream_.next_in = pieces_.data();
    stream_.avail_in = static_cast<uInt>(pieces_.size());
    return true;
  }

  // Gives the stream the state before the span: the rest of a byte, and the window.
  bool Prime() {
    if (in_.bits > 0) {
      uint8_t byte = 0;
      size_t filled = 0;
      if (in_.stored.offset == 0) return false;
      const BlobRange before = {in_.stored.fd, in_.stored.offset - 1, 1};
      if (ReadBlob(before, 0, &byte, 1, &filled)) return false;
      if (inflatePrime(&stream_, in_.bits, byte >> (8 - in_.bits)) != Z_OK) return false;
    }
    if (in_.window_size == 0) return true;
    uint8_t window[kWindowSize];
    z_stream unpack = {};
    if (inflateInit2(&unpack, -MAX_WBITS) != Z_OK) return false;
    unpack.next_in = const_cast<uint8_t*>(in_.window);
    unpack.avail_in = static_cast<uInt>(in_.window_size);
    unpack.next_out = window;
    unpack.avail_out = kWindowSize;
    const int result = inflate(&unpack, Z_FINISH);
    const uInt length = static_cast<uInt>(kWindowSize - unpack.avail_out);
    inflateEnd(&unpack);
    return result == Z_STREAM_END && inflateSetDictionary(&stream_, window, length) == Z_OK;
  }

  // The first member was entered in its middle, as raw deflate, so its trailer has not been read. From the
  // second member on zlib reads header and trailer itself.
  bool NextMember() {
    size_t trailer = is_raw_ ? kGzipTrailerSize : 0;
    is_raw_ = false;
    while (trailer > 0) {
      if (stream_.avail_in == 0 && !Refill()) return false;
      const uInt part = static_cast<uInt>(std::min<size_t>(trailer, stream_.avail_in));
      stream_.next_in += part;
      stream_.avail_in -= part;
      trailer -= part;
    }
    return inflateReset2(&stream_, kGzipBits) == Z_OK;
  }

  const SpanInput in_;
  Pieces pieces_;
  z_stream stream_ = {};
  bool is_raw_;
};

// `is_whole`: the stored bytes give `size` bytes and no more.
bool DecompressZstd(const BlobRange& stored, bool is_whole, uint8_t* out, size_t size) {
  const ZstdLibrary* library = LoadZstd();
  if (library == nullptr) return false;
  const std::unique_ptr<ZstdContext, size_t (*)(ZstdContext*)> context(CreateZstdContext(*library),
                                                                       library->free_context);
  if (context == nullptr) return false;
  Pieces pieces(stored);
  ZstdOutput output = {out, size, 0};
  // If it is whole, reads to the end of the stored bytes: a checksum may follow after the last byte of
  // output.
  size_t result = 0;
  while (pieces.Next()) {
    ZstdInput input = {pieces.data(), pieces.size(), 0};
    while (input.position < input.size) {
      if (!is_whole && output.position == size) return true;
      result = library->decompress(context.get(), &output, &input);
      if (library->is_error(result) != 0) return false;
    }
  }
  return (!is_whole || result == 0) && output.position == size;
}

bool IsRight(const PlainPiece& piece, const uint8_t* plain, size_t size) {
  if (piece.offset > size || piece.size > size - piece.offset) return false;
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  if (EVP_Digest(plain + piece.offset, piece.size, digest, &length, EVP_sha256(), nullptr) != 1) return false;
  return memcmp(digest, piece.sha256, length) == 0;
}

}  // namespace

bool DecodeSpan(const SpanInput& in, uint8_t* out, size_t size) {
  const bool is_filled =
      in.kind == kZstdSpan ? DecompressZstd(in.stored, true, out, size) : Inflater(in).Run(out, size);
  return is_filled && crc32(0, out, static_cast<uInt>(size)) == in.crc32;
}

bool DecodeMembers(const BlobRange& stored, SpanKind kind, const std::vector<PlainPiece>& pieces,
                   uint8_t* out, size_t size) {
  const bool is_filled =
      kind == kZstdSpan ? DecompressZstd(stored, false, out, size) : Inflater(stored).Run(out, size);
  return is_filled && std::all_of(pieces.begin(), pieces.end(),
                                  [out, size](const PlainPiece& piece) { return IsRight(piece, out, size); });
}

}  // namespace stratafs
