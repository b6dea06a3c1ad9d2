// BlobScan: the JavaScript interface of a ScanJob, documented in src/sys/scan.ts.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "parts.h"
#include "scan_job.h"

namespace stratafs {

namespace {

// One `next`. It runs on a pool thread, and keeps the buffer and the job alive meanwhile.
class NextWorker : public Napi::AsyncWorker {
 public:
  NextWorker(Napi::Env env, std::shared_ptr<ScanJob> job, Napi::Uint8Array buffer,
             std::shared_ptr<bool> is_busy)
      : Napi::AsyncWorker(env, "stratafs.BlobScan.next"),
        deferred_(Napi::Promise::Deferred::New(env)),
        job_(std::move(job)),
        buffer_(Napi::Persistent(buffer)),
        bytes_(buffer.Data()),
        size_(buffer.ByteLength()),
        is_busy_(std::move(is_busy)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override { outcome_ = job_->Next(bytes_, size_, &filled_); }

  void OnOK() override {
    Napi::HandleScope scope(Env());
    *is_busy_ = false;
    switch (outcome_) {
      case ScanJob::Outcome::kFilled:
        deferred_.Resolve(Napi::Number::New(Env(), static_cast<double>(filled_)));
        break;
      case ScanJob::Outcome::kFailed:
        deferred_.Reject(MakeError(job_->failure()));
        break;
      case ScanJob::Outcome::kAborted:
        deferred_.Reject(Closed(Env()));
        break;
      case ScanJob::Outcome::kTooSmall:
        deferred_.Reject(Napi::RangeError::New(Env(), "the buffer is too small for the record").Value());
        break;
    }
  }

  static Napi::Value Closed(Napi::Env env) {
    Napi::Object error = Napi::Error::New(env, "the scan was closed").Value();
    error.Set("code", "ABORT_ERR");
    return error;
  }

 private:
  Napi::Value MakeError(const ScanFailure& failure) {
    const std::string message = "at byte " + std::to_string(failure.offset) + ": found " + failure.found +
                                ", expected " + failure.expected;
    Napi::Object error = Napi::Error::New(Env(), message).Value();
    error.Set("code", "SCAN");
    error.Set("offset", static_cast<double>(failure.offset));
    error.Set("unit", failure.unit == ScanFailure::Unit::kTar ? "tar" : "blob");
    error.Set("found", failure.found);
    error.Set("expected", failure.expected);
    return error;
  }

  Napi::Promise::Deferred deferred_;
  std::shared_ptr<ScanJob> job_;
  Napi::Reference<Napi::Uint8Array> buffer_;
  uint8_t* const bytes_;
  const size_t size_;
  std::shared_ptr<bool> is_busy_;
  size_t filled_ = 0;
  ScanJob::Outcome outcome_ = ScanJob::Outcome::kAborted;
};

template <typename Array, typename Element>
Array CopyToArray(Napi::Env env, const std::vector<Element>& elements) {
  Array array = Array::New(env, elements.size());
  for (size_t i = 0; i < elements.size(); i++) array[i] = elements[i];
  return array;
}

class BlobScan : public Napi::ObjectWrap<BlobScan> {
 public:
  static void Register(Napi::Env env, Napi::Object exports) {
    exports.Set("BlobScan", DefineClass(env, "BlobScan",
                                        {InstanceMethod<&BlobScan::Next>("next"),
                                         InstanceMethod<&BlobScan::Result>("result"),
                                         InstanceMethod<&BlobScan::Close>("close"),
                                         InstanceAccessor<&BlobScan::Position>("position")}));
  }

  explicit BlobScan(const Napi::CallbackInfo& info) : Napi::ObjectWrap<BlobScan>(info) {
    const Napi::Object options = info[0].As<Napi::Object>();
    const std::string compression = options.Get("compression").ToString().Utf8Value();
    ScanJobOptions job = {};
    job.blob = {options.Get("fd").ToNumber().Int32Value(), GetSize(options, "offset"),
                GetSize(options, "length")};
    job.form = compression == "gzip"     ? BlobForm::kGzip
               : compression == "zstd"   ? BlobForm::kZstd
               : compression == "xz"     ? BlobForm::kXz
               : compression == "bzip2"  ? BlobForm::kBzip2
               : compression == "opaque" ? BlobForm::kOpaque
                                         : BlobForm::kPlain;
    job.hash = options.Get("hash").ToBoolean();
    job.span_size = GetSize(options, "spanSize");
    const Napi::Value expected = options.Get("expectedTarSha256");
    if (expected.IsString()) job.expected_tar_sha256 = expected.ToString().Utf8Value();
    if (options.Get("spillFd").IsNumber()) {
      job.spill = {options.Get("spillFd").ToNumber().Int32Value(), GetSize(options, "spillThreshold"),
                   GetSize(options, "spillLimit")};
    }
    job_ = std::make_shared<ScanJob>(job);
  }

 private:
  static uint64_t GetSize(const Napi::Object& options, const char* name) {
    const double value = options.Get(name).ToNumber().DoubleValue();
    return value > 0 ? static_cast<uint64_t>(value) : 0;
  }

  Napi::Value Next(const Napi::CallbackInfo& info) {
    Napi::Promise::Deferred refused = Napi::Promise::Deferred::New(info.Env());
    if (!job_) {
      refused.Reject(NextWorker::Closed(info.Env()));
      return refused.Promise();
    }
    if (*is_busy_) {
      refused.Reject(Napi::Error::New(info.Env(), "next is under way").Value());
      return refused.Promise();
    }
    *is_busy_ = true;
    NextWorker* worker = new NextWorker(info.Env(), job_, info[0].As<Napi::Uint8Array>(), is_busy_);
    const Napi::Promise promise = worker->promise();
    worker->Queue();
    return promise;
  }

  Napi::Value Result(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    if (!job_ || *is_busy_ || !job_->is_done()) {
      Napi::Error::New(env, "the scan has not ended").ThrowAsJavaScriptException();
      return env.Undefined();
    }
    const SpanList& list = job_->spans();
    Napi::Object spans = Napi::Object::New(env);
    spans.Set("count", static_cast<double>(list.kind.size()));
    spans.Set("plainOffset", CopyToArray<Napi::Float64Array>(env, list.plain_offset));
    spans.Set("blobOffset", CopyToArray<Napi::Float64Array>(env, list.blob_offset));
    spans.Set("bits", CopyToArray<Napi::Uint8Array>(env, list.bits));
    spans.Set("kind", CopyToArray<Napi::Uint8Array>(env, list.kind));
    spans.Set("windowOffset", CopyToArray<Napi::Uint32Array>(env, list.window_offset));
    spans.Set("crc32", CopyToArray<Napi::Uint32Array>(env, list.crc32));
    spans.Set("windows", CopyToArray<Napi::Uint8Array>(env, list.windows));
    Napi::Object result = Napi::Object::New(env);
    result.Set("blobSha256", HexOrUndefined(env, job_->blob_sha256()));
    result.Set("tarSha256", HexOrUndefined(env, job_->tar_sha256()));
    result.Set("missingZeros", static_cast<double>(job_->missing_zeros()));
    result.Set("tarSize", static_cast<double>(job_->tar_size()));
    result.Set("isLastTailClean", job_->is_last_tail_clean());
    result.Set("spans", spans);
    result.Set("hasSpilled", job_->has_spilled());
    result.Set("chunkSha256", CopyToArray<Napi::Uint8Array>(env, job_->chunk_digests()));
    return result;
  }

  static Napi::Value HexOrUndefined(Napi::Env env, const std::string& hex) {
    return hex.empty() ? env.Undefined() : Napi::String::New(env, hex).As<Napi::Value>();
  }

  Napi::Value Position(const Napi::CallbackInfo& info) {
    if (job_) position_ = job_->position();
    return Napi::Number::New(info.Env(), static_cast<double>(position_));
  }

  void Close(const Napi::CallbackInfo& /*info*/) {
    if (!job_) return;
    position_ = job_->position();
    job_->Abort();
    job_.reset();
  }

  std::shared_ptr<ScanJob> job_;  // null once closed
  std::shared_ptr<bool> is_busy_ = std::make_shared<bool>(false);
  uint64_t position_ = 0;
};

}  // namespace

void RegisterBlobScan(Napi::Env env, Napi::Object exports) { BlobScan::Register(env, exports); }

}  // namespace stratafs
