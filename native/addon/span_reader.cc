// readSpan: the JavaScript interface of SpanDecoder (src/sys/span-reader.ts), on a pool thread.
#include <errno.h>

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

}  // namespace

void RegisterSpanReader(Napi::Env env, Napi::Object exports) {
  const NamedCall calls[] = {{"readSpan", ReadSpan}};
  ExportCalls(env, exports, calls);
}

}  // namespace stratafs
