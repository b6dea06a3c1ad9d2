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
  std::string Finish() { return FinishContext(context_); }

  // The digest after `size` more zero bytes, without changing the state.
  std::string FinishWithZeros(size_t size) const {
    EVP_MD_CTX* const copy = EVP_MD_CTX_new();
    EVP_MD_CTX_copy_ex(copy, context_);
    const std::string zeros(size, '\0');
    EVP_DigestUpdate(copy, zeros.data(), zeros.size());
    std::string hex = FinishContext(copy);
    EVP_MD_CTX_free(copy);
    return hex;
  }

 private:
  static std::string FinishContext(EVP_MD_CTX* context) {
    static constexpr char kDigits[] = "0123456789abcdef";
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_DigestFinal_ex(context, digest, &size);
    std::string hex;
    hex.reserve(2 * size);
    for (unsigned int i = 0; i < size; i++) {
      hex.push_back(kDigits[digest[i] >> 4]);
      hex.push_back(kDigits[digest[i] & 15]);
    }
    return hex;
  }

  EVP_MD_CTX* context_;
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_SHA256_H_
