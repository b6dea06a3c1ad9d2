#include "scan_job.h"

#include <fcntl.h>
#include <string.h>

#include <utility>

#include "decoders.h"

namespace stratafs {

namespace {

constexpr size_t kTarBlock = 512;
// GNU tar pads the last record with zeros.
constexpr size_t kTarRecord = 20 * kTarBlock;

}  // namespace

ScanJob::ScanJob(const ScanJobOptions& options) : options_(options) {
  const bool is_skipped = options.form == BlobForm::kPlain && !options.hash;
  if (is_skipped) {
    bytes_ = std::make_unique<SkippedTar>(options.blob, &position_);
  } else {
    bytes_ = std::make_unique<QueuedTar>(&queue_, options.hash ? &tar_sha256_ : nullptr);
  }
  framer_ = std::make_unique<TarFramer>(bytes_.get());
}

ScanJob::~ScanJob() { Abort(); }

void ScanJob::Abort() {
  is_aborted_ = true;
  queue_.Abort();
  JoinProducer();
}

void ScanJob::JoinProducer() {
  if (has_producer_.exchange(false)) pthread_join(producer_, nullptr);
}

void* ScanJob::RunProducer(void* job) {
  ScanJob* self = static_cast<ScanJob*>(job);
  self->queue_.End(self->Produce());
  return nullptr;
}

ScanStatus ScanJob::Produce() {
  if (options_.form == BlobForm::kPlain) return ProducePlain();
  StoredBytes in(options_.blob, options_.hash ? &blob_sha256_ : nullptr,
                 options_.hash ? &chunk_digests_ : nullptr, &position_);
  PlainOutput out(&queue_, &spans_, options_.spill);
  if (ScanStatus failed = Decode(&in, &out)) return failed;
  if (!out.status() && !is_aborted_) out.Finish(options_.blob.length);
  has_spilled_ = out.has_spilled();
  return out.status();
}

ScanStatus ScanJob::Decode(StoredBytes* in, PlainOutput* out) {
  const DecodeOptions decode = {options_.span_size, &is_aborted_};
  switch (options_.form) {
    case BlobForm::kGzip:
      return DecodeGzip(in, out, decode);
    case BlobForm::kZstd:
      return DecodeZstd(in, out, decode);
    case BlobForm::kXz:
      return DecodeXz(in, out, decode);
    case BlobForm::kBzip2:
      return DecodeBzip2(in, out, decode);
    case BlobForm::kPlain:
    case BlobForm::kOpaque:
      break;
  }
  return {};
}

// The blob is the tar itself, so one digest serves both; the consumer computes it. Those of the chunks are
// computed here, beside it.
ScanStatus ScanJob::ProducePlain() {
  for (uint64_t at = 0; at < options_.blob.length;) {
    ChunkRef chunk = std::make_shared<Chunk>();
    if (ScanStatus failed = ReadBlob(options_.blob, at, chunk->bytes.get(), Chunk::kCapacity, &chunk->size)) {
      return failed;
    }
    at += chunk->size;
    chunk_digests_.Add(chunk->bytes.get(), chunk->size);
    position_.store(at, std::memory_order_relaxed);
    if (!queue_.Push(std::move(chunk))) return {};
  }
  return {};
}

bool ScanJob::Start() {
  if (std::exchange(is_started_, true)) return true;
  const bool is_skipped = options_.form == BlobForm::kPlain && !options_.hash;
  posix_fadvise(options_.blob.fd, static_cast<off_t>(options_.blob.offset),
                static_cast<off_t>(options_.blob.length),
                is_skipped ? POSIX_FADV_RANDOM : POSIX_FADV_SEQUENTIAL);
  if (is_skipped) return true;
  const int error = pthread_create(&producer_, nullptr, RunProducer, this);
  if (error != 0) {
    failure_ = ScanFailure{ScanFailure::Unit::kBlob, 0,
                           std::string("no thread to be had: ") + strerror(error), "a thread to read with"};
    return false;
  }
  has_producer_ = true;
  return true;
}

ScanJob::Outcome ScanJob::Next(uint8_t* to, size_t size, size_t* filled) {
  *filled = 0;
  if (failure_) return Outcome::kFailed;
  if (is_done_) return Outcome::kFilled;
  if (options_.form == BlobForm::kOpaque) return HashOnly(filled);
  if (!Start()) return Outcome::kFailed;
  for (;;) {
    // No further record fits: return before skipping the data of this member.
    if (*filled > 0 && size - *filled < TarFramer::kRecordHeaderSize) return Outcome::kFilled;
    if (!has_pending_record_) {
      const TarFramer::Step step = framer_->Next();
      if (is_aborted_) {
        // Abort may have run before the producer was started, and so not have joined it.
        JoinProducer();
        return Outcome::kAborted;
      }
      if (step == TarFramer::Step::kFailed) return Fail(framer_->failure());
      if (step == TarFramer::Step::kEnd) return *filled > 0 ? Outcome::kFilled : Finish(filled);
    }
    const size_t record_size = framer_->record().size();
    has_pending_record_ = record_size > size - *filled;
    if (has_pending_record_) return *filled > 0 ? Outcome::kFilled : Outcome::kTooSmall;
    memcpy(to + *filled, framer_->record().data(), record_size);
    *filled += record_size;
  }
}

// The caller may close the descriptors after a failure, so nothing may read them any more.
ScanJob::Outcome ScanJob::Fail(ScanFailure failure) {
  failure_ = std::move(failure);
  Abort();
  return Outcome::kFailed;
}

ScanJob::Outcome ScanJob::Finish(size_t* filled) {
  *filled = 0;
  JoinProducer();
  tar_size_ = framer_->offset();
  if (options_.form == BlobForm::kPlain) {
    spans_.plain_offset = {static_cast<double>(tar_size_)};
    spans_.blob_offset = {static_cast<double>(options_.blob.length)};
    spans_.window_offset = {0};
  }
  if (options_.hash) {
    // On a copy, because more bytes may be appended below.
    tar_hex_ = tar_sha256_.FinishWithZeros(0);
    missing_zeros_ = FindMissingZeros();
    blob_hex_ = options_.form == BlobForm::kPlain ? tar_hex_ : blob_sha256_.Finish();
  }
  is_done_ = true;
  return Outcome::kFilled;
}

// Some writers (skopeo 1.9 for zstd:chunked) drop the zero blocks with which GNU tar ends an archive.
size_t ScanJob::FindMissingZeros() const {
  const std::string& expected = options_.expected_tar_sha256;
  if (expected.empty() || tar_hex_ == expected) return 0;
  for (size_t size = kTarBlock; size <= kTarRecord; size += kTarBlock) {
    if (tar_sha256_.FinishWithZeros(size) == expected) return size;
  }
  return 0;
}

ScanJob::Outcome ScanJob::HashOnly(size_t* filled) {
  StoredBytes in(options_.blob, &blob_sha256_, nullptr, &position_);
  if (ScanStatus failed = in.Drain(is_aborted_)) return Fail(std::move(*failed));
  if (is_aborted_) return Outcome::kAborted;
  *filled = 0;
  blob_hex_ = blob_sha256_.Finish();
  is_done_ = true;
  return Outcome::kFilled;
}

}  // namespace stratafs
