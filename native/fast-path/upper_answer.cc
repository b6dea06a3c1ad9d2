#include "upper_answer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <cstring>
#include <string_view>

#include "fuse_messages.h"

namespace stratafs {

namespace {

enum RowKind { kDirectory = 1, kFile = 2 };

struct UpperRow {
  RowKind kind;
  int fd;
  uint64_t ino;
  int64_t nlink;
  int64_t inode;
};

bool FindRow(const UpperRows& rows, uint64_t node, UpperRow* out) {
  if (rows.count == 0) return false;
  const double* row = rows.numbers + (node % rows.count) * UpperRows::kRowLength;
  if (node == 0 || row[0] != static_cast<double>(node)) return false;
  *out = {row[1] == kDirectory ? kDirectory : kFile, static_cast<int>(row[2]), static_cast<uint64_t>(row[3]),
          static_cast<int64_t>(row[4]), static_cast<int64_t>(row[5])};
  return true;
}

bool BeginsWith(std::string_view name, std::string_view prefix) {
  return name.substr(0, prefix.size()) == prefix;
}

class UpperRequest {
 public:
  UpperRequest(const InHeader& header, const uint8_t* body, size_t body_size, const UpperRow& row,
               const TreeTable& table, const MountFacts& facts, uint8_t* reply)
      : header_(header),
        body_(body),
        body_size_(body_size),
        row_(row),
        table_(table),
        facts_(facts),
        reply_(reply) {}

  FastAnswer Answer() {
    switch (static_cast<Opcode>(header_.opcode)) {
      case Opcode::kGetattr:
        return row_.kind == kDirectory ? Getattr() : FastAnswer{};
      case Opcode::kLookup:
        return row_.kind == kDirectory ? Lookup() : FastAnswer{};
      case Opcode::kGetxattr:
        return row_.kind == kFile ? Getxattr() : FastAnswer{};
      default:
        return {};
    }
  }

 private:
  // The name at `offset` of the body; empty if it is empty or not terminated.
  std::string_view Name(size_t offset) const {
    if (offset >= body_size_) return {};
    const std::string_view rest(reinterpret_cast<const char*>(body_ + offset), body_size_ - offset);
    const size_t end = rest.find('\0');
    return end == std::string_view::npos ? std::string_view() : rest.substr(0, end);
  }

  FastAnswer Reply(int error, size_t body) {
    const OutHeader out = {static_cast<uint32_t>(sizeof(OutHeader) + body), error, header_.unique};
    memcpy(reply_, &out, sizeof(out));
    FastAnswer answer;
    answer.kind = FastAnswer::kReply;
    answer.length = out.length;
    answer.unique = header_.unique;
    return answer;
  }

  template <typename T>
  FastAnswer Struct(const T& body) {
    memcpy(reply_ + sizeof(OutHeader), &body, sizeof(body));
    return Reply(0, sizeof(body));
  }

  FastAnswer Getattr() {
    struct statx st;
    if (body_size_ < kGetattrInSize) return {};
    if (statx(row_.fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &st) != 0) return {};
    AttrOut out = {};
    out.attr_valid = facts_.validity;
    FillAttr(st, &out.attr);
    return Struct(out);
  }

  void FillAttr(const struct statx& st, FuseAttr* out) const {
    out->ino = row_.ino;
    out->size = st.stx_size;
    out->blocks = st.stx_blocks;
    out->atime = st.stx_atime.tv_sec;
    out->mtime = st.stx_mtime.tv_sec;
    out->ctime = st.stx_ctime.tv_sec;
    out->atime_nsec = st.stx_atime.tv_nsec;
    out->mtime_nsec = st.stx_mtime.tv_nsec;
    out->ctime_nsec = st.stx_ctime.tv_nsec;
    out->mode = st.stx_mode;
    out->nlink = row_.nlink < 0 ? st.stx_nlink : static_cast<uint32_t>(row_.nlink);
    out->uid = st.stx_uid;
    out->gid = st.stx_gid;
    out->rdev = 0;
    out->blksize = facts_.block_size;
    out->flags = 0;
  }

  // Only of a name that neither side has: what either has may be hidden, or must be counted.
  FastAnswer Lookup() {
    const std::string_view name = Name(0);
    if (name.empty() || name.size() > NAME_MAX || name == "." || name == "..") return {};
    if (name.find('/') != std::string_view::npos) return {};
    if (row_.inode >= 0 && table_.Find(static_cast<uint32_t>(row_.inode), name) >= 0) return {};
    struct statx st;
    // The name is terminated by the NUL that Name() has found.
    if (statx(row_.fd, name.data(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &st) == 0) return {};
    if (errno != ENOENT) return {};
    EntryOut negative = {};
    negative.entry_valid = facts_.validity;
    return Struct(negative);
  }

  // Only of an xattr that the file doesn't have. The upper stores those of other namespaces under other
  // names.
  FastAnswer Getxattr() {
    const std::string_view name = body_size_ < sizeof(XattrIn) ? std::string_view() : Name(sizeof(XattrIn));
    if (!BeginsWith(name, "security.") && !BeginsWith(name, "system.posix_acl_")) return {};
    if (name == facts_.unsupported_xattr || fgetxattr(row_.fd, name.data(), nullptr, 0) >= 0) return {};
    return errno == ENODATA ? Reply(-ENODATA, 0) : FastAnswer{};
  }

  const InHeader& header_;
  const uint8_t* const body_;
  const size_t body_size_;
  const UpperRow& row_;
  const TreeTable& table_;
  const MountFacts& facts_;
  uint8_t* const reply_;
};

}  // namespace

FastAnswer AnswerFromUpper(const uint8_t* request, size_t length, const TreeTable& table,
                           const MountFacts& facts, const UpperRows& rows, uint8_t* reply) {
  InHeader header;
  // Owners that are mapped are shown by JavaScript.
  if (length < sizeof(header) || facts.maps_owners) return {};
  memcpy(&header, request, sizeof(header));
  const size_t extension = static_cast<size_t>(header.extension_length) * 8;
  if (header.length != length || extension > length - sizeof(header)) return {};
  UpperRow row;
  if (!FindRow(rows, header.node, &row)) return {};
  const size_t body_size = length - sizeof(header) - extension;
  return UpperRequest(header, request + sizeof(header), body_size, row, table, facts, reply).Answer();
}

}  // namespace stratafs
