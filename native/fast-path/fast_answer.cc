#include "fast_answer.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "directory_answer.h"
#include "fast_request.h"
#include "fuse_messages.h"
#include "table_attributes.h"

namespace stratafs {

namespace {

constexpr size_t kNameMax = 255;

// One request, on the way to its answer.
class RequestReader {
 public:
  RequestReader(const FastRequest& request, const TreeTable& table, const MountFacts& facts,
                const uint32_t* opens)
      : request_(request), opens_(opens), table_{table, facts} {}

  FastAnswer Answer() {
    if (!request_.is_whole()) return {};
    if (static_cast<Opcode>(request_.header().opcode) == Opcode::kBatchForget) return BatchForget();
    if (!table_.IsPristine(request_.header().node)) return {};
    inode_ = static_cast<uint32_t>(request_.header().node - 1);
    switch (static_cast<Opcode>(request_.header().opcode)) {
      case Opcode::kLookup:
        return Lookup();
      case Opcode::kForget:
        return request_.body_size() < kForgetInSize ? FastAnswer{} : Silent();
      case Opcode::kGetattr:
        return Getattr();
      case Opcode::kStatx:
        return Statx();
      case Opcode::kReadlink:
        return Readlink();
      case Opcode::kOpen:
        return Open();
      case Opcode::kRelease:
        return Release();
      case Opcode::kRead:
        return Read();
      case Opcode::kReaddir:
      case Opcode::kReaddirplus:
        return Readdir();
      case Opcode::kGetxattr:
        return Getxattr();
      case Opcode::kListxattr:
        return Listxattr();
      default:
        return {};
    }
  }

 private:
  uint32_t type() const { return table_.table.mode(inode_) & S_IFMT; }

  FastAnswer Silent() const {
    FastAnswer answer;
    answer.kind = FastAnswer::kSilent;
    return answer;
  }

  FastAnswer Status(int error) { return request_.Reply(error, 0); }

  FastAnswer Lookup() {
    const std::string_view name = request_.Name(0);
    if (name.empty() || name.size() > kNameMax || type() != S_IFDIR) return {};
    if (name == "." || name == "..") return {};
    const int64_t child = table_.table.Find(inode_, name);
    if (child < 0) {
      EntryOut negative = {};
      negative.entry_valid = table_.facts.validity;
      return request_.Struct(negative);
    }
    if (!table_.HasAttributes(static_cast<uint32_t>(child))) return {};
    EntryOut entry;
    table_.FillEntry(static_cast<uint32_t>(child), &entry);
    return request_.Struct(entry);
  }

  FastAnswer BatchForget() const {
    uint64_t counts = 0;
    if (!request_.Take(&counts)) return {};
    const size_t count =
        std::min<size_t>(counts & 0xffffffff, (request_.body_size() - sizeof(counts)) / sizeof(ForgetOne));
    for (size_t i = 0; i < count; i++) {
      ForgetOne one;
      memcpy(&one, request_.body() + sizeof(counts) + i * sizeof(one), sizeof(one));
      if (!table_.IsPristine(one.node)) return {};
    }
    return Silent();
  }

  FastAnswer Getattr() {
    if (request_.body_size() < kGetattrInSize || !table_.HasAttributes(inode_)) return {};
    AttrOut out = {};
    out.attr_valid = table_.facts.validity;
    table_.FillAttr(inode_, &out.attr);
    return request_.Struct(out);
  }

  FastAnswer Statx() {
    if (request_.body_size() < kStatxInSize || table_.facts.is_read_only || !table_.HasAttributes(inode_))
      return {};
    StatxOut out;
    table_.FillStatx(inode_, &out);
    return request_.Struct(out);
  }

  FastAnswer Readlink() {
    if (type() != S_IFLNK) return {};
    return Copy(table_.table.link_target(inode_));
  }

  FastAnswer Copy(std::string_view bytes) {
    if (bytes.size() > request_.reply_room()) return {};
    memcpy(request_.reply_body(), bytes.data(), bytes.size());
    return request_.Reply(0, bytes.size());
  }

  // Only for reading: an open that writes or truncates changes something. On a read-only mount the first
  // answer makes the kernel stop sending OPEN.
  FastAnswer Open() {
    OpenIn in;
    if (table_.facts.is_read_only || opens_ == nullptr || !request_.Take(&in)) return {};
    if ((in.flags & (O_ACCMODE | O_TRUNC)) != 0 || type() != S_IFREG) return {};
    FastAnswer answer = request_.Struct(OpenOut{0, table_.facts.open_flags, 0});
    answer.opens = 1;
    answer.inode = inode_;
    return answer;
  }

  FastAnswer Release() {
    if (table_.facts.is_read_only || opens_ == nullptr || request_.body_size() < kReleaseInSize) return {};
    if (opens_[inode_] == 0) return {};
    FastAnswer answer = Status(0);
    answer.opens = -1;
    answer.inode = inode_;
    return answer;
  }

  // Bytes in one piece of a layer that is not compressed.
  FastAnswer Read() {
    ReadIn in;
    if (!request_.Take(&in) || type() != S_IFREG) return {};
    const uint64_t size = table_.table.size(inode_);
    if (in.offset >= size || in.size == 0) return Status(0);
    const uint64_t wanted = std::min<uint64_t>(std::min(in.size, table_.facts.max_read), size - in.offset);
    const TableExtent extent = table_.table.Map(inode_, in.offset, wanted);
    if (extent.is_hole || extent.length < wanted || extent.layer >= table_.facts.blobs.size()) return {};
    const PlainBlob& blob = table_.facts.blobs[extent.layer];
    if (blob.fd < 0 || extent.blob_offset > blob.size || wanted > blob.size - extent.blob_offset) return {};
    FastAnswer answer;
    answer.kind = FastAnswer::kFile;
    answer.fd = blob.fd;
    answer.state = blob.state;
    answer.never_waits = blob.never_waits;
    answer.position = blob.position + static_cast<int64_t>(extent.blob_offset);
    answer.length = wanted;
    answer.inode = inode_;
    answer.offset = in.offset;
    answer.unique = request_.header().unique;
    return answer;
  }

  FastAnswer Readdir() {
    ReadIn in;
    if (!request_.Take(&in) || type() != S_IFDIR) return {};
    const bool wants_attributes = static_cast<Opcode>(request_.header().opcode) == Opcode::kReaddirplus;
    const size_t room = std::min<size_t>(in.size, request_.reply_room());
    DirectoryAnswer listing(table_, inode_, wants_attributes, request_.reply_body(), room);
    return listing.Fill(in.offset) ? request_.Reply(0, listing.size()) : FastAnswer{};
  }

  // A size of 0 queries the length of the value (getxattr(2)).
  FastAnswer AnswerXattr(uint32_t wanted, size_t size) {
    if (wanted != 0) return Status(-ERANGE);
    return request_.Struct(XattrOut{static_cast<uint32_t>(size), 0});
  }

  FastAnswer Getxattr() {
    XattrIn in;
    if (!request_.Take(&in)) return {};
    const std::string_view name = request_.Name(sizeof(in));
    const MountFacts& facts = table_.facts;
    if (name.empty()) return {};
    if (!facts.own_xattr_prefix.empty() && BeginsWith(name, facts.own_xattr_prefix)) return {};
    // JavaScript maps the IDs in an ACL.
    if (facts.maps_owners && BeginsWith(name, "system.posix_acl_")) return {};
    TreeTable::Xattr xattr = table_.table.xattrs(inode_);
    while (TreeTable::Next(&xattr)) {
      if (xattr.name != name) continue;
      if (in.size == 0 || xattr.value.size() > in.size) return AnswerXattr(in.size, xattr.value.size());
      return Copy(xattr.value);
    }
    return Status(name == facts.unsupported_xattr ? -EOPNOTSUPP : -ENODATA);
  }

  FastAnswer Listxattr() {
    XattrIn in;
    if (!request_.Take(&in)) return {};
    size_t size = 0;
    for (TreeTable::Xattr xattr = table_.table.xattrs(inode_); TreeTable::Next(&xattr);) {
      size += xattr.name.size() + 1;
    }
    if (in.size == 0 || size > in.size) return AnswerXattr(in.size, size);
    if (size > request_.reply_room()) return {};
    uint8_t* to = request_.reply_body();
    for (TreeTable::Xattr xattr = table_.table.xattrs(inode_); TreeTable::Next(&xattr);) {
      memcpy(to, xattr.name.data(), xattr.name.size());
      to += xattr.name.size();
      *to++ = 0;
    }
    return request_.Reply(0, size);
  }

  const FastRequest& request_;
  uint32_t inode_ = 0;
  const uint32_t* opens_;
  TableAttributes table_;
};

}  // namespace

FastAnswer AnswerFast(const FastRequest& request, const TreeTable& table, const MountFacts& facts,
                      const uint32_t* opens) {
  return RequestReader(request, table, facts, opens).Answer();
}

}  // namespace stratafs
