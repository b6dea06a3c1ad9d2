// The state of one scan, independent of Node: BlobScan.next runs it on a pool thread.
//
// Two threads share the work. The producer (a thread of the job) reads, hashes the stored bytes and
// decompresses. The consumer (the caller of Next) hashes the tar and finds its members. A plain tar that is
// skipped through, and a blob that is only hashed, need no producer.
#ifndef STRATAFS_NATIVE_SCAN_JOB_H_
#define STRATAFS_NATIVE_SCAN_JOB_H_

#include <pthread.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "chunk_digests.h"
#include "chunk_queue.h"
#include "plain_output.h"
#include "scan_failure.h"
#include "sha256.h"
#include "span_list.h"
#include "stored_bytes.h"
#include "tar_bytes.h"
#include "tar_framer.h"

namespace stratafs {

enum class BlobForm { kPlain, kGzip, kZstd, kXz, kBzip2, kOpaque };

struct ScanJobOptions {
  BlobRange blob;
  BlobForm form;
  bool hash;
  uint64_t span_size;
  SpillOptions spill;
  // Lower-case hex; empty: no expectation.
  std::string expected_tar_sha256;
};

class ScanJob {
 public:
  explicit ScanJob(const ScanJobOptions& options);
  ~ScanJob();
  ScanJob(const ScanJob&) = delete;
  ScanJob& operator=(const ScanJob&) = delete;

  // After kFailed, kAborted, and kFilled with 0 bytes, the descriptors are no longer used.
  enum class Outcome { kFilled, kFailed, kAborted, kTooSmall };

  // Fills `to` with whole records; `*filled` is 0 at the end. One call at a time, on any thread.
  Outcome Next(uint8_t* to, size_t size, size_t* filled);
  // Valid after kFailed.
  const ScanFailure& failure() const { return *failure_; }

  // Makes a Next under way return kAborted soon, and waits for the producer, which finishes at most one
  // piece.
  void Abort();

  uint64_t position() const { return position_.load(std::memory_order_relaxed); }

  // The results are valid after Next has filled 0 bytes.
  bool is_done() const { return is_done_; }
  const std::string& blob_sha256() const { return blob_hex_; }
  const std::string& tar_sha256() const { return tar_hex_; }
  // The number of zero bytes after the tar that would give the expected digest; 0 if the digest is right, or
  // if no padding gives it.
  size_t missing_zeros() const { return missing_zeros_; }
  uint64_t tar_size() const { return tar_size_; }
  // As TarFramer, of the last member.
  bool is_last_tail_clean() const { return framer_->is_tail_clean(); }
  const SpanList& spans() const { return spans_; }
  bool has_spilled() const { return has_spilled_; }
  // Empty without `hash`.
  const std::vector<uint8_t>& chunk_digests() const { return chunk_digests_.digests(); }

 private:
  static void* RunProducer(void* job);
  ScanStatus Produce();
  ScanStatus Decode(StoredBytes* in, PlainOutput* out);
  ScanStatus ProducePlain();
  bool Start();
  void JoinProducer();
  Outcome Finish(size_t* filled);
  Outcome HashOnly(size_t* filled);
  Outcome Fail(ScanFailure failure);
  size_t FindMissingZeros() const;

  const ScanJobOptions options_;
  std::atomic<uint64_t> position_{0};
  std::atomic<bool> is_aborted_{false};
  ChunkQueue queue_;
  Sha256 blob_sha256_;
  Sha256 tar_sha256_;
  std::unique_ptr<TarBytes> bytes_;
  std::unique_ptr<TarFramer> framer_;
  bool has_pending_record_ = false;

  std::atomic<bool> has_producer_{false};
  pthread_t producer_;
  // Written by the producer, read after it was joined.
  SpanList spans_;
  ChunkDigests chunk_digests_;
  bool has_spilled_ = false;

  ScanStatus failure_;
  bool is_started_ = false;
  bool is_done_ = false;
  std::string blob_hex_;
  std::string tar_hex_;
  size_t missing_zeros_ = 0;
  uint64_t tar_size_ = 0;
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_SCAN_JOB_H_
