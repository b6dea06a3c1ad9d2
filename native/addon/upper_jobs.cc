// The calls on files of the upper that wait for a disk: each runs on a pool thread and returns a promise.
// src/sys/upper-calls.ts documents every function.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "parts.h"
#include "pool_job.h"
#include "upper_data.h"
#include "upper_paths.h"

namespace stratafs {

namespace {

class CopyJob : public PoolJob {
 public:
  CopyJob(int from, int64_t from_offset, int to, int64_t to_offset, int64_t length)
      : from_(from), from_offset_(from_offset), to_(to), to_offset_(to_offset), length_(length) {}

 protected:
  int error() const override { return from_.error() != 0 ? from_.error() : to_.error(); }
  int64_t Run() override {
    const int error = LimitWithinFile();
    if (error != 0) return error;
    int64_t done = 0;
    while (done < length_) {
      off64_t from = from_offset_ + done;
      off64_t to = to_offset_ + done;
      const ssize_t n =
          copy_file_range(from_.get(), &from, to_.get(), &to, static_cast<size_t>(length_ - done), 0);
      if (n < 0 && errno == EINTR) continue;
      // Two file systems that don't support it, or one that returns 0 too early (procfs): read and write
      // instead.
      if (n == 0 || (n < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)))
        return CopyByBuffer(done);
      if (n < 0) return -errno;
      done += n;
    }
    return done;
  }

 private:
  static constexpr int64_t kBufferSize = 1 << 20;

  // As copy_file_range(2) in one call: ranges within a file may not overlap. Its end is that before the copy;
  // otherwise a copy to the end would never finish. 0 or a negative errno.
  int LimitWithinFile() {
    struct stat from, to;
    if (fstat(from_.get(), &from) < 0 || fstat(to_.get(), &to) < 0) return -errno;
    if (from.st_dev != to.st_dev || from.st_ino != to.st_ino) return 0;
    length_ = std::max<int64_t>(0, std::min<int64_t>(length_, from.st_size - from_offset_));
    const int64_t distance =
        from_offset_ < to_offset_ ? to_offset_ - from_offset_ : from_offset_ - to_offset_;
    return length_ > distance ? -EINVAL : 0;
  }

  int64_t CopyByBuffer(int64_t done) {
    std::unique_ptr<uint8_t[]> buffer(
        new uint8_t[static_cast<size_t>(std::min(kBufferSize, length_ - done))]);
    while (done < length_) {
      const size_t wanted = static_cast<size_t>(std::min(kBufferSize, length_ - done));
      const ssize_t n = pread(from_.get(), buffer.get(), wanted, from_offset_ + done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return -errno;
      if (n == 0) break;
      for (ssize_t written = 0; written < n;) {
        const int64_t more = WriteAll(to_.get(), buffer.get() + written, static_cast<size_t>(n - written),
                                      to_offset_ + done + written);
        if (more < 0) return -errno;
        if (more == 0) return -EIO;
        written += more;
      }
      done += n;
    }
    return done;
  }

  const OwnDescriptor from_;
  const int64_t from_offset_;
  const OwnDescriptor to_;
  const int64_t to_offset_;
  int64_t length_;
};

class WriteJob : public PoolJob {
 public:
  WriteJob(int fd, const ByteSpan& bytes, int64_t position)
      : fd_(fd), bytes_(bytes.data, bytes.data + bytes.size), position_(position) {}

 protected:
  int error() const override { return fd_.error(); }
  int64_t Run() override {
    const int64_t written = WriteAll(fd_.get(), bytes_.data(), bytes_.size(), position_);
    return written < 0 ? -errno : written;
  }

 private:
  const OwnDescriptor fd_;
  const std::vector<uint8_t> bytes_;
  const int64_t position_;
};

enum class SyncKind { kAll, kData, kFileSystem };

class SyncJob : public PoolJob {
 public:
  SyncJob(int fd, SyncKind kind) : fd_(fd), kind_(kind) {}

 protected:
  int error() const override { return fd_.error(); }
  int64_t Run() override {
    int result = Sync(fd_.get());
    if (result == 0 || errno != EBADF) return result < 0 ? -errno : 0;
    // EBADF: an O_PATH descriptor.
    const int fd = ReopenFile(fd_.get(), O_RDONLY);
    if (fd < 0) return -errno;
    result = Sync(fd) < 0 ? -errno : 0;
    close(fd);
    return result;
  }

 private:
  int Sync(int fd) const {
    for (;;) {
      const int result = kind_ == SyncKind::kAll    ? fsync(fd)
                         : kind_ == SyncKind::kData ? fdatasync(fd)
                                                    : syncfs(fd);
      if (result == 0 || errno != EINTR) return result;
    }
  }

  const OwnDescriptor fd_;
  const SyncKind kind_;
};

// copyRangeLater(from, fromOffset, to, toOffset, length)
napi_value CopyRangeLater(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int from = in.Descriptor(0);
  const int64_t from_offset = in.Int64(1);
  const int to = in.Descriptor(2);
  const int64_t to_offset = in.Int64(3);
  const int64_t length = in.Int64(4);
  if (from_offset < 0 || to_offset < 0 || length < 0) in.Fail(-EINVAL);
  return PoolJob::Queue(&in, new CopyJob(from, from_offset, to, to_offset, length));
}

// writeLater(fd, bytes, position)
napi_value WriteLater(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int fd = in.Descriptor(0);
  const ByteSpan bytes = in.Bytes(1);
  const int64_t position = in.Int64(2);
  return PoolJob::Queue(&in, new WriteJob(fd, bytes, position));
}

// syncLater(fd, isDataOnly)
napi_value SyncLater(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int fd = in.Descriptor(0);
  const bool is_data_only = in.Bool(1);
  return PoolJob::Queue(&in, new SyncJob(fd, is_data_only ? SyncKind::kData : SyncKind::kAll));
}

// syncFileSystemLater(fd)
napi_value SyncFileSystemLater(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  return PoolJob::Queue(&in, new SyncJob(in.Descriptor(0), SyncKind::kFileSystem));
}

}  // namespace

void RegisterUpperJobs(Napi::Env env, Napi::Object exports) {
  ExportCalls(env, exports,
              {{"copyRangeLater", CopyRangeLater},
               {"writeLater", WriteLater},
               {"syncLater", SyncLater},
               {"syncFileSystemLater", SyncFileSystemLater}});
}

}  // namespace stratafs
