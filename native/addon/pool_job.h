// PoolJob: a call that waits for a disk. It runs on a pool thread and resolves a promise, mostly with a
// number.
//
// A job has its own descriptors (and bytes), so that the caller can close its own meanwhile. If the
// environment ends first, Node waits for the thread, and the job is dropped without an answer.
#ifndef STRATAFS_NATIVE_POOL_JOB_H_
#define STRATAFS_NATIVE_POOL_JOB_H_

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "call_arguments.h"

namespace stratafs {

// A duplicate of a descriptor, which is closed with the object.
class OwnDescriptor {
 public:
  explicit OwnDescriptor(int fd) : fd_(fcntl(fd, F_DUPFD_CLOEXEC, 0)), error_(fd_ < 0 ? -errno : 0) {}
  ~OwnDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  OwnDescriptor(const OwnDescriptor&) = delete;
  OwnDescriptor& operator=(const OwnDescriptor&) = delete;
  int get() const { return fd_; }
  // 0, or the errno if there is no duplicate.
  int error() const { return error_; }

 private:
  const int fd_;
  const int error_;
};

class PoolJob {
 public:
  virtual ~PoolJob() = default;

  // Takes ownership of the job. Returns a promise of Run's result, or of the error of the first bad argument.
  static napi_value Queue(CallArguments* in, PoolJob* job);
  // Keeps a JavaScript object alive until the job has ended.
  void Keep(napi_env env, napi_value object);

 protected:
  // The reason why the job can't start, or 0.
  virtual int error() const { return 0; }
  // On a pool thread: a result or a negative errno.
  virtual int64_t Run() = 0;
  // The value of the promise, made on the loop's thread.
  virtual napi_value MakeAnswer(napi_env env, int64_t result);

 private:
  static void Execute(napi_env env, void* data);
  static void Complete(napi_env env, napi_status status, void* data);
  void Settle(napi_env env);

  napi_deferred deferred_ = nullptr;
  napi_async_work work_ = nullptr;
  std::vector<napi_ref> kept_;
  int64_t result_ = 0;
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_POOL_JOB_H_
