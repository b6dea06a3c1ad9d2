// The calls on files of the upper that wait for a disk: each runs on a pool thread and answers a promise.
// src/sys/upper-calls.ts documents every function.
//
// A job has descriptors (and bytes) of its own, so that the caller may close its own meanwhile. Where the
// environment ends first, Node waits for the thread and the job is dropped without an answer.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "call_arguments.h"
#include "parts.h"
#include "upper_data.h"
#include "upper_paths.h"

namespace stratafs {

namespace {

// A duplicate of a descriptor, closed with it.
class OwnDescriptor {
 public:
  explicit OwnDescriptor(int fd) : fd_(fcntl(fd, F_DUPFD_CLOEXEC, 0)), error_(fd_ < 0 ? -errno : 0) {}
  ~OwnDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  OwnDescriptor(const OwnDescriptor&) = delete;
  OwnDescriptor& operator=(const OwnDescriptor&) = delete;
  int get() const { return fd_; }
  // 0, or why there is none.
  int error() const { return error_; }

 private:
  const int fd_;
  const int error_;
};

class Job {
 public:
  virtual ~Job() = default;

  // A promise of what Run answers. The job deletes itself.
  static napi_value Queue(CallArguments* in, std::unique_ptr<Job> job) {
    const napi_env env = in->env();
    napi_value promise = nullptr;
    napi_value name = nullptr;
    if (napi_create_promise(env, &job->deferred_, &promise) != napi_ok) return nullptr;
    if (in->error() != 0) {
      job->result_ = in->error();
    } else if (napi_create_string_latin1(env, "stratafs.UpperJob", NAPI_AUTO_LENGTH, &name) == napi_ok &&
               napi_create_async_work(env, nullptr, name, Execute, Complete, job.get(), &job->work_) ==
                   napi_ok &&
               napi_queue_async_work(env, job->work_) == napi_ok) {
      job.release();
      return promise;
    } else {
      job->result_ = -ENOMEM;
    }
    job->Settle(env);
    return promise;
  }

 protected:
  // On a pool thread: a result or a negative errno.
  virtual int64_t Run() = 0;

 private:
  static void Execute(napi_env /*env*/, void* data) {
    Job* job = static_cast<Job*>(data);
    job->result_ = job->Run();
  }

  static void Complete(napi_env env, napi_status status, void* data) {
    const std::unique_ptr<Job> job(static_cast<Job*>(data));
    if (status != napi_ok) job->result_ = -ECANCELED;
    job->Settle(env);
  }

  // Fails without harm where the environment can no longer run JavaScript.
  void Settle(napi_env env) {
    napi_value result = nullptr;
    if (napi_create_double(env, static_cast<double>(result_), &result) == napi_ok) {
      napi_resolve_deferred(env, deferred_, result);
    }
    if (work_ != nullptr) napi_delete_async_work(env, work_);
  }

  napi_deferred deferred_ = nullptr;
  napi_async_work work_ = nullptr;
  int64_t result_ = 0;
};

class CopyJob : public Job {
 public:
  CopyJob(int from, int64_t from_offset, int to, int64_t to_offset, int64_t length)
      : from_(from), from_offset_(from_offset), to_(to), to_offset_(to_offset), length_(length) {}
  int error() const { return from_.error() != 0 ? from_.error() : to_.error(); }

 protected:
  int64_t Run() override {
    int64_t done = 0;
    while (done < length_) {
      off64_t from = from_offset_ + done;
      off64_t to = to_offset_ + done;
      const ssize_t n =
          copy_file_range(from_.get(), &from, to_.get(), &to, static_cast<size_t>(length_ - done), 0);
      if (n < 0 && errno == EINTR) continue;
      // Two file systems that can't, or one that answers 0 where there is more (procfs): the plain way knows.
      if (n == 0 || (n < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)))
        return CopyByBuffer(done);
      if (n < 0) return -errno;
      done += n;
    }
    return done;
  }

 private:
  static constexpr int64_t kBufferSize = 1 << 20;

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
  const int64_t length_;
};

class WriteJob : public Job {
 public:
  WriteJob(int fd, const ByteSpan& bytes, int64_t position)
      : fd_(fd), bytes_(bytes.data, bytes.data + bytes.size), position_(position) {}
  int error() const { return fd_.error(); }

 protected:
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

class SyncJob : public Job {
 public:
  SyncJob(int fd, SyncKind kind) : fd_(fd), kind_(kind) {}
  int error() const { return fd_.error(); }

 protected:
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

template <typename SomeJob>
napi_value QueueJob(CallArguments* in, SomeJob* job) {
  in->Fail(job->error());
  return Job::Queue(in, std::unique_ptr<Job>(job));
}

// copyRangeLater(from, fromOffset, to, toOffset, length)
napi_value CopyRangeLater(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int from = in.Int(0);
  const int64_t from_offset = in.Int64(1);
  const int to = in.Int(2);
  const int64_t to_offset = in.Int64(3);
  const int64_t length = in.Int64(4);
  if (from_offset < 0 || to_offset < 0 || length < 0) in.Fail(-EINVAL);
  return QueueJob(&in, new CopyJob(from, from_offset, to, to_offset, length));
}

// writeLater(fd, bytes, position)
napi_value WriteLater(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int fd = in.Int(0);
  const ByteSpan bytes = in.Bytes(1);
  const int64_t position = in.Int64(2);
  return QueueJob(&in, new WriteJob(fd, bytes, position));
}

// syncLater(fd, isDataOnly)
napi_value SyncLater(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int fd = in.Int(0);
  const bool is_data_only = in.Bool(1);
  return QueueJob(&in, new SyncJob(fd, is_data_only ? SyncKind::kData : SyncKind::kAll));
}

// syncFileSystemLater(fd)
napi_value SyncFileSystemLater(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  return QueueJob(&in, new SyncJob(in.Int(0), SyncKind::kFileSystem));
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
