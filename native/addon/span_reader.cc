// readSpan: the JavaScript interface of SpanDecoder (src/sys/span-reader.ts), on a pool thread.
#include <errno.h>

#include "parts.h"
#include "span_decoder.h"
#include "span_list.h"

namespace stratafs {

namespace {

// Keeps both buffers alive until the promise is settled.
class SpanWorker : public Napi::AsyncWorker {
 public:
  SpanWorker(Napi::Env env, const SpanInput& in, Napi::Uint8Array window, Napi::Uint8Array out)
      : Napi::AsyncWorker(env, "stratafs.readSpan"),
        deferred_(Napi::Promise::Deferred::New(env)),
        in_(in),
        window_(Napi::Persistent(window)),
        out_(Napi::Persistent(out)),
        bytes_(out.Data()),
        size_(out.ByteLength()) {
    in_.window = window.Data();
    in_.window_size = window.ByteLength();
  }

  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override { is_filled_ = DecodeSpan(in_, bytes_, size_); }

  void OnOK() override {
    Napi::HandleScope scope(Env());
    deferred_.Resolve(Napi::Number::New(Env(), is_filled_ ? static_cast<double>(size_) : -EIO));
  }

 private:
  Napi::Promise::Deferred deferred_;
  SpanInput in_;
  Napi::Reference<Napi::Uint8Array> window_;
  Napi::Reference<Napi::Uint8Array> out_;
  uint8_t* const bytes_;
  const size_t size_;
  bool is_filled_ = false;
};

// readSpan(fd, position, length, kind, bits, window, crc32, out)
Napi::Value ReadSpan(const Napi::CallbackInfo& info) {
  SpanInput in = {};
  in.stored = {info[0].ToNumber().Int32Value(), static_cast<uint64_t>(info[1].ToNumber().Int64Value()),
               static_cast<uint64_t>(info[2].ToNumber().Int64Value())};
  in.kind = static_cast<SpanKind>(info[3].ToNumber().Uint32Value());
  in.crc32 = info[6].ToNumber().Uint32Value();
  in.bits = static_cast<uint8_t>(info[4].ToNumber().Uint32Value() & 7);
  SpanWorker* worker =
      new SpanWorker(info.Env(), in, info[5].As<Napi::Uint8Array>(), info[7].As<Napi::Uint8Array>());
  const Napi::Promise promise = worker->promise();
  worker->Queue();
  return promise;
}

}  // namespace

void RegisterSpanReader(Napi::Env env, Napi::Object exports) {
  exports.Set("readSpan", Napi::Function::New(env, ReadSpan, "readSpan"));
}

}  // namespace stratafs
