// SHA-256 by the OpenSSL that Node exports to addons: it uses the processor's SHA instructions.
#ifndef STRATAFS_NATIVE_SHA256_H_
#define STRATAFS_NATIVE_SHA256_H_

#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace stratafs {

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new()) { EVP_DigestInit_ex(context_, EVP_sha256(), nullptr); }
  ~Sha256() { EVP_MD_CTX_free(context_); }
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Update(const uint8_t* bytes, size_t size) { EVP_DigestUpdate(context_, bytes, size); }

  // Lower-case hex. Call once, at the end.
  std::string Finish() {
    static constexpr char kDigits[] = "0123456789abcdef";
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_DigestFinal_ex(context_, digest, &size);
    std::string hex;
    hex.reserve(2 * size);
    for (unsigned int i = 0; i < size; i++) {
      hex.push_back(kDigits[digest[i] >> 4]);
      hex.push_back(kDigits[digest[i] & 15]);
    }
    return hex;
  }

 private:
  EVP_MD_CTX* context_;
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_SHA256_H_
