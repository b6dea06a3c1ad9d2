// The sha256 of each chunk of a blob's stored bytes: what a reader of a part of the blob checks that part
// with.
#ifndef STRATAFS_NATIVE_CHUNK_DIGESTS_H_
#define STRATAFS_NATIVE_CHUNK_DIGESTS_H_

#include <openssl/evp.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace stratafs {

class ChunkDigests {
 public:
  // As CHUNK_SIZE of src/vfs/chunks.ts.
  static constexpr size_t kChunkSize = 64 << 10;
  static constexpr size_t kDigestSize = 32;

  // Takes the next bytes of the blob. Each call begins a chunk, so only the last one may end inside a chunk.
  void Add(const uint8_t* bytes, size_t size) {
    for (size_t at = 0; at < size; at += kChunkSize) {
      digests_.resize(digests_.size() + kDigestSize);
      EVP_Digest(bytes + at, std::min(kChunkSize, size - at), digests_.data() + digests_.size() - kDigestSize,
                 nullptr, EVP_sha256(), nullptr);
    }
  }

  // One after the other.
  const std::vector<uint8_t>& digests() const { return digests_; }

 private:
  std::vector<uint8_t> digests_;
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_CHUNK_DIGESTS_H_
