#include "bare_answers.h"

#include <cerrno>
#include <cstring>

#include "fast_request.h"

namespace stratafs::bare {

namespace {

constexpr uint32_t kMajor = 7;
constexpr uint32_t kMinor = 45;
// Linux 5.4.
constexpr uint32_t kMinimumMinor = 31;
constexpr uint16_t kMaxBackground = 64;
constexpr uint32_t kBlockSize = 4096;
// Seconds: the longest time that the kernel supports.
constexpr uint64_t kForever = 0x7fffffff;

// Flags of INIT, as protocol.ts names them.
constexpr uint32_t kAsyncRead = 1u << 0;
constexpr uint32_t kBigWrites = 1u << 5;
constexpr uint32_t kDoReaddirplus = 1u << 13;
constexpr uint32_t kNoOpenSupport = 1u << 17;
constexpr uint32_t kParallelDirops = 1u << 18;
constexpr uint32_t kPosixAcl = 1u << 20;
constexpr uint32_t kAbortError = 1u << 21;
constexpr uint32_t kMaxPagesFlag = 1u << 22;
constexpr uint32_t kCacheSymlinks = 1u << 23;
constexpr uint32_t kNoOpendirSupport = 1u << 24;
constexpr uint32_t kExplicitInvalData = 1u << 25;
constexpr uint32_t kWanted = kAsyncRead | kBigWrites | kDoReaddirplus | kNoOpenSupport | kParallelDirops |
                             kPosixAcl | kAbortError | kMaxPagesFlag | kCacheSymlinks | kNoOpendirSupport |
                             kExplicitInvalData;

// The `body` bytes after the header are in the reply already.
size_t Finish(uint64_t unique, int error, size_t body, uint8_t* reply) {
  const OutHeader out = {static_cast<uint32_t>(sizeof(OutHeader) + body), error, unique};
  memcpy(reply, &out, sizeof(out));
  return out.length;
}

}  // namespace

BareAnswers::BareAnswers(const TreeTable& table, const char* unsupported_xattr) : table_(table) {
  facts_.unsupported_xattr = unsupported_xattr;
  facts_.validity = kForever;
  facts_.block_size = kBlockSize;
  facts_.max_read = kMaxTransfer;
}

size_t BareAnswers::Answer(const uint8_t* request, size_t length, uint8_t* reply) {
  const FastAnswer answer =
      AnswerFast(FastRequest(request, length, reply, kMessageSize), table_, facts_, nullptr);
  // kFile can't occur: no layer has a file.
  if (answer.kind == FastAnswer::kReply) return answer.length;
  if (answer.kind == FastAnswer::kSilent) return 0;
  InHeader header;
  if (length < sizeof(header)) return 0;
  memcpy(&header, request, sizeof(header));
  if (static_cast<Opcode>(header.opcode) == Opcode::kInit) return Init(header, request, length, reply);
  return Rest(header, reply);
}

size_t BareAnswers::Init(const InHeader& header, const uint8_t* request, size_t length, uint8_t* reply) {
  InitIn in;
  if (length < sizeof(header) + sizeof(in)) return Finish(header.unique, -EINVAL, 0, reply);
  memcpy(&in, request + sizeof(header), sizeof(in));
  InitOut out = {};
  out.major = kMajor;
  out.minor = kMinor;
  if (in.major == kMajor && in.minor >= kMinimumMinor) {
    out.max_readahead = in.max_readahead;
    out.flags = in.flags & kWanted;
    out.max_background = kMaxBackground;
    out.congestion_threshold = kMaxBackground / 4 * 3;
    out.max_write = kMaxTransfer;
    out.time_granularity = 1;
    out.max_pages = kMaxPages;
    state_ = State::kServing;
  } else if (in.major <= kMajor) {
    state_ = State::kRefused;
    return Finish(header.unique, -EINVAL, 0, reply);
  }
  // A newer kernel sends INIT again, with our major version.
  memcpy(reply + sizeof(OutHeader), &out, sizeof(out));
  return Finish(header.unique, 0, sizeof(out), reply);
}

// A read-only mount answers ENOSYS to OPEN and OPENDIR once; the kernel then opens by itself. ENOSYS to
// GETXATTR would end all such requests, which no stratafs mount does.
size_t BareAnswers::Rest(const InHeader& header, uint8_t* reply) const {
  switch (static_cast<Opcode>(header.opcode)) {
    case Opcode::kForget:
    case Opcode::kBatchForget:
    case Opcode::kInterrupt:
      return 0;
    case Opcode::kStatfs:
      memset(reply + sizeof(OutHeader), 0, kStatfsOutSize);
      return Finish(header.unique, 0, kStatfsOutSize, reply);
    case Opcode::kGetxattr:
      return Finish(header.unique, -ENODATA, 0, reply);
    default:
      return Finish(header.unique, -ENOSYS, 0, reply);
  }
}

}  // namespace stratafs::bare
