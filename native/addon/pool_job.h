// PoolJob: a call that waits for a disk, on a pool thread, and answers a promise of a number.
//
// A job has descriptors (and bytes) of its own, so that the caller may close its own meanwhile. Where the
// environment ends first, Node waits for the thread and the job is dropped without an answer.
#ifndef STRATAFS_NATIVE_POOL_JOB_H_
#define STRATAFS_NATIVE_POOL_JOB_H_

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <memory>

#include "call_arguments.h"

namespace stratafs {

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

class PoolJob {
 public:
  virtual ~PoolJob() = default;

  // Takes the job: a promise of what Run answers, or of the first argument's error.
  static napi_value Queue(CallArguments* in, PoolJob* job);

 protected:
  // Why the job can't begin, or 0.
  virtual int error() const = 0;
  // On a pool thread: a result or a negative errno.
  virtual int64_t Run() = 0;

 private:
  static void Execute(napi_env env, void* data);
  static void Complete(napi_env env, napi_status status, void* data);
  void Settle(napi_env env);

  napi_deferred deferred_ = nullptr;
  napi_async_work work_ = nullptr;
  int64_t result_ = 0;
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_POOL_JOB_H_
