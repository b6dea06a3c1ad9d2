#include "table_rules.h"

#include <sys/stat.h>

namespace stratafs {

namespace {

// A block (src/tree/xattrs.ts): u16 count; for each xattr: u8 name length, u32 value length, name, value.
constexpr size_t kBlockHeader = 2;
constexpr size_t kXattrHeader = 5;
// MAX_XATTRS of src/tar/pax.ts limits the xattrs of a file in a tar; XATTR_LIST_MAX those of a file in a
// directory.
constexpr uint32_t kMaxXattrs = 1 << 15;
// XATTR_SIZE_MAX.
constexpr uint32_t kMaxValue = 1 << 16;

constexpr std::string_view kAclPrefix = "system.posix_acl_";

}  // namespace

bool HasType(uint32_t mode) {
  if (mode > 0177777) return false;
  switch (mode & S_IFMT) {
    case S_IFREG:
    case S_IFDIR:
    case S_IFLNK:
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
    case S_IFSOCK:
      return true;
    default:
      return false;
  }
}

bool IsFileName(std::string_view name) {
  if (name.empty() || name == "." || name == "..") return false;
  return memchr(name.data(), '/', name.size()) == nullptr && memchr(name.data(), 0, name.size()) == nullptr;
}

TableFault CheckXattrBlocks(const uint8_t* xattrs, size_t size, Starts* starts, bool* has_acl) {
  size_t at = 0;
  while (at < size) {
    const size_t block = at;
    if (size - at < kBlockHeader) return {"an xattr block is cut off", block};
    const uint32_t count = LoadElement<uint16_t>(xattrs + at, 0);
    if (count == 0 || count > kMaxXattrs) return {"an xattr block has a wrong count", block};
    starts->Add(block);
    at += kBlockHeader;
    for (uint32_t i = 0; i < count; i++) {
      if (size - at < kXattrHeader) return {"an xattr block is cut off", block};
      const size_t name_length = xattrs[at];
      const uint32_t value_length = LoadElement<uint32_t>(xattrs + at + 1, 0);
      if (value_length > kMaxValue) return {"the value of an xattr is too long", block};
      at += kXattrHeader;
      if (size - at < name_length + value_length) return {"an xattr block is cut off", block};
      const std::string_view name(reinterpret_cast<const char*>(xattrs + at), name_length);
      if (name.empty() || memchr(name.data(), 0, name.size()) != nullptr) {
        return {"an xattr has a malformed name", block};
      }
      if (name.substr(0, kAclPrefix.size()) == kAclPrefix) *has_acl = true;
      at += name_length + value_length;
    }
  }
  return {};
}

}  // namespace stratafs
