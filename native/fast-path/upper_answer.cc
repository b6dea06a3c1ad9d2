#include "upper_answer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <string_view>

#include "fast_request.h"
#include "fuse_messages.h"
#include "table_attributes.h"

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

// One request about the file of a row.
class UpperRequest {
 public:
  UpperRequest(const FastRequest& request, const UpperRow& row, const TreeTable& table,
               const MountFacts& facts, const uint8_t* hidden)
      : request_(request), row_(row), table_(table), facts_(facts), hidden_(hidden) {}

  FastAnswer Answer() {
    switch (static_cast<Opcode>(request_.header().opcode)) {
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
  FastAnswer Getattr() {
    struct statx st;
    if (request_.body_size() < kGetattrInSize) return {};
    if (statx(row_.fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &st) != 0) return {};
    AttrOut out = {};
    out.attr_valid = facts_.validity;
    FillAttr(st, &out.attr);
    return request_.Struct(out);
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

  // Only of a name that shows the table's own inode, or that neither side has: inodes of the upper are
  // counted.
  FastAnswer Lookup() {
    const std::string_view name = request_.Name(0);
    if (name.empty() || name.size() > NAME_MAX || name == "." || name == "..") return {};
    if (name.find('/') != std::string_view::npos) return {};
    const int64_t dentry = row_.inode < 0 ? -1 : table_.FindDentry(static_cast<uint32_t>(row_.inode), name);
    if (dentry >= 0) return LookupLower(static_cast<uint32_t>(dentry));
    struct statx st;
    // The name is terminated by the NUL that Name() has found.
    if (statx(row_.fd, name.data(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &st) == 0) return {};
    if (errno != ENOENT) return {};
    EntryOut negative = {};
    negative.entry_valid = facts_.validity;
    return request_.Struct(negative);
  }

  // A name that is not hidden, and whose inode is pristine, is the table's own.
  FastAnswer LookupLower(uint32_t dentry) {
    const TableAttributes table{table_, facts_};
    const uint32_t child = table_.target(dentry);
    if (hidden_ == nullptr || hidden_[dentry] != 0 || !table.HasAttributes(child)) return {};
    EntryOut entry;
    table.FillEntry(child, &entry);
    return request_.Struct(entry);
  }

  // Only of an xattr that the file doesn't have. The upper stores those of other namespaces under other
  // names.
  FastAnswer Getxattr() {
    const std::string_view name =
        request_.body_size() < sizeof(XattrIn) ? std::string_view() : request_.Name(sizeof(XattrIn));
    if (!BeginsWith(name, "security.") && !BeginsWith(name, "system.posix_acl_")) return {};
    if (name == facts_.unsupported_xattr || fgetxattr(row_.fd, name.data(), nullptr, 0) >= 0) return {};
    return errno == ENODATA ? request_.Reply(-ENODATA, 0) : FastAnswer{};
  }

  const FastRequest& request_;
  const UpperRow& row_;
  const TreeTable& table_;
  const MountFacts& facts_;
  const uint8_t* const hidden_;
};

}  // namespace

FastAnswer AnswerFromUpper(const FastRequest& request, const TreeTable& table, const MountFacts& facts,
                           const UpperRows& rows, const uint8_t* hidden) {
  // Owners that are mapped are shown by JavaScript.
  if (facts.maps_owners) return {};
  UpperRow row;
  if (!request.is_whole() || !FindRow(rows, request.header().node, &row)) return {};
  return UpperRequest(request, row, table, facts, hidden).Answer();
}

}  // namespace stratafs
