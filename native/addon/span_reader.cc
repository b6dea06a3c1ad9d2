// readSpan and readMembers: the JavaScript interface of SpanDecoder (src/sys/span-reader.ts), on a pool
// thread.
#include <errno.h>

#include <cstring>
#include <utility>
#include <vector>

#include "call_arguments.h"
#include "parts.h"
#include "pool_job.h"
#include "span_decoder.h"
#include "span_list.h"

namespace stratafs {

namespace {

class SpanJob : public PoolJob {
 public:
  SpanJob(const SpanInput& in, uint8_t* out, size_t size) : in_(in), out_(out), size_(size) {}

 protected:
  int64_t Run() override { return DecodeSpan(in_, out_, size_) ? static_cast<int64_t>(size_) : -EIO; }

 private:
  const SpanInput in_;
  uint8_t* const out_;
  const size_t size_;
};

// readSpan(fd, position, length, kind, bits, window, crc32, out)
napi_value ReadSpan(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  SpanInput span = {};
  span.stored = {in.Descriptor(0), static_cast<uint64_t>(in.Int64(1)), static_cast<uint64_t>(in.Int64(2))};
  span.kind = static_cast<SpanKind>(in.Uint(3));
  span.bits = static_cast<uint8_t>(in.Uint(4) & 7);
  const ByteSpan window = in.Bytes(5);
  span.window = window.data;
  span.window_size = window.size;
  span.crc32 = in.Uint(6);
  size_t size = 0;
  uint8_t* const out = in.Buffer(7, &size);
  SpanJob* job = new SpanJob(span, out, size);
  // The job uses the memory of both buffers.
  for (size_t buffer : {5, 7}) job->Keep(env, in.value(buffer));
  return PoolJob::Queue(&in, job);
}

constexpr size_t kPieceRecordSize = 48;

class MembersJob : public PoolJob {
 public:
  MembersJob(const BlobRange& stored, SpanKind kind, std::vector<PlainPiece> pieces, uint8_t* out,
             size_t size)
      : stored_(stored), kind_(kind), pieces_(std::move(pieces)), out_(out), size_(size) {}

 protected:
  int64_t Run() override {
    return DecodeMembers(stored_, kind_, pieces_, out_, size_) ? static_cast<int64_t>(size_) : -EIO;
  }

 private:
  const BlobRange stored_;
  const SpanKind kind_;
  const std::vector<PlainPiece> pieces_;
  uint8_t* const out_;
  const size_t size_;
};

// Records of offset and size (f64, whole numbers) and sha256.
std::vector<PlainPiece> ReadPieces(const ByteSpan& records) {
  std::vector<PlainPiece> pieces;
  for (size_t at = 0; at + kPieceRecordSize <= records.size; at += kPieceRecordSize) {
    double numbers[2];
    memcpy(numbers, records.data + at, sizeof(numbers));
    pieces.push_back({static_cast<uint64_t>(numbers[0]), static_cast<uint64_t>(numbers[1]),
                      records.data + at + sizeof(numbers)});
  }
  return pieces;
}

// readMembers(fd, position, length, kind, pieces, out)
napi_value ReadMembers(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const BlobRange stored = {in.Descriptor(0), static_cast<uint64_t>(in.Int64(1)),
                            static_cast<uint64_t>(in.Int64(2))};
  const SpanKind kind = static_cast<SpanKind>(in.Uint(3));
  std::vector<PlainPiece> pieces = ReadPieces(in.Bytes(4));
  size_t size = 0;
  uint8_t* const out = in.Buffer(5, &size);
  MembersJob* job = new MembersJob(stored, kind, std::move(pieces), out, size);
  // The job uses the memory of both buffers.
  for (size_t buffer : {4, 5}) job->Keep(env, in.value(buffer));
  return PoolJob::Queue(&in, job);
}

}  // namespace

void RegisterSpanReader(Napi::Env env, Napi::Object exports) {
  const NamedCall calls[] = {{"readSpan", ReadSpan}, {"readMembers", ReadMembers}};
  ExportCalls(env, exports, calls);
}

}  // namespace stratafs
