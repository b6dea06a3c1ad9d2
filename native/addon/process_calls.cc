// System calls on processes, for commands: wait for a process to end, query a mount that may never answer,
// exit while a thread waits for such an answer, and execute another program.
//
// Every function returns a value or 0, or a negative errno.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "parts.h"

// Linux 5.3; the number is the same on all architectures. Older C libraries don't define it.
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

namespace stratafs {

namespace {

// Limit of tries for a value that grows between the query of its size and the read.
constexpr int kXattrTries = 4;
// XATTR_SIZE_MAX, linux/limits.h.
constexpr size_t kXattrSizeMax = 65536;

// openProcess(pid): a descriptor of the process (pidfd_open(2)), owned by the caller.
Napi::Value OpenProcess(const Napi::CallbackInfo& info) {
  int pid = info[0].As<Napi::Number>().Int32Value();
  long fd = syscall(SYS_pidfd_open, pid, 0);
  return Napi::Number::New(info.Env(), fd < 0 ? -errno : static_cast<double>(fd));
}

// becomeProgram(path, arguments): execve(2) with this process's environment. Returns only on failure, a
// negative errno.
Napi::Value BecomeProgram(const Napi::CallbackInfo& info) {
  const std::string path = info[0].As<Napi::String>();
  const Napi::Array given = info[1].As<Napi::Array>();
  std::vector<std::string> texts;
  for (uint32_t i = 0; i < given.Length(); i++) texts.push_back(given.Get(i).As<Napi::String>());
  std::vector<char*> arguments;
  for (std::string& text : texts) arguments.push_back(text.data());
  arguments.push_back(nullptr);
  // Node marks all descriptors close-on-exec, and ignores SIGPIPE, which a new program would inherit.
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) fcntl(fd, F_SETFD, 0);
  signal(SIGPIPE, SIG_DFL);
  execv(path.c_str(), arguments.data());
  const int error = errno;
  signal(SIGPIPE, SIG_IGN);
  return Napi::Number::New(info.Env(), -error);
}

class ExitWaiter : public Napi::AsyncWorker {
 public:
  ExitWaiter(Napi::Env env, int process, int timeout)
      : Napi::AsyncWorker(env), deferred_(env), process_(process), timeout_(timeout) {}
  Napi::Promise Promise() { return deferred_.Promise(); }

  void Execute() override {
    struct pollfd entry = {process_, POLLIN, 0};
    int ready;
    do ready = poll(&entry, 1, timeout_);
    while (ready < 0 && errno == EINTR);
    result_ = ready < 0 ? -errno : ready == 0 ? -ETIMEDOUT : 0;
  }
  void OnOK() override { deferred_.Resolve(Napi::Number::New(Env(), result_)); }

 private:
  Napi::Promise::Deferred deferred_;
  int process_;
  int timeout_;
  int result_ = 0;
};

// waitForExit(process, milliseconds): a promise of 0, or -ETIMEDOUT.
Napi::Value WaitForExit(const Napi::CallbackInfo& info) {
  ExitWaiter* waiter = new ExitWaiter(info.Env(), info[0].As<Napi::Number>().Int32Value(),
                                      info[1].As<Napi::Number>().Int32Value());
  waiter->Queue();
  return waiter->Promise();
}

class XattrAsker : public Napi::AsyncWorker {
 public:
  XattrAsker(Napi::Env env, std::string path, std::string name)
      : Napi::AsyncWorker(env), deferred_(env), path_(std::move(path)), name_(std::move(name)) {}
  Napi::Promise Promise() { return deferred_.Promise(); }

  void Execute() override {
    for (int i = 0; i < kXattrTries; i++) {
      ssize_t size = getxattr(path_.c_str(), name_.c_str(), nullptr, 0);
      if (size < 0 || static_cast<size_t>(size) > kXattrSizeMax) {
        result_ = size < 0 ? -errno : -E2BIG;
        return;
      }
      // One byte more: a size of 0 would query the length again.
      value_.resize(static_cast<size_t>(size) + 1);
      ssize_t length = getxattr(path_.c_str(), name_.c_str(), value_.data(), value_.size());
      if (length >= 0) {
        value_.resize(static_cast<size_t>(length));
        result_ = 0;
        return;
      }
      result_ = -errno;
      if (errno != ERANGE) return;
    }
  }

  void OnOK() override {
    if (result_ < 0) {
      deferred_.Resolve(Napi::Number::New(Env(), result_));
    } else {
      deferred_.Resolve(Napi::Buffer<char>::Copy(Env(), value_.data(), value_.size()));
    }
  }

 private:
  Napi::Promise::Deferred deferred_;
  std::string path_;
  std::string name_;
  std::vector<char> value_;
  int result_ = 0;
};

// askXattr(path, name): a promise of the value. Follows symlinks, so that the path may be one of
// /proc/self/fd.
Napi::Value AskXattr(const Napi::CallbackInfo& info) {
  XattrAsker* asker = new XattrAsker(info.Env(), info[0].As<Napi::String>().Utf8Value(),
                                     info[1].As<Napi::String>().Utf8Value());
  asker->Queue();
  return asker->Promise();
}

// silence(fd): redirects a standard stream to /dev/null.
Napi::Value Silence(const Napi::CallbackInfo& info) {
  int target = info[0].As<Napi::Number>().Int32Value();
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return Napi::Number::New(info.Env(), -errno);
  int result = dup2(null, target) < 0 ? -errno : 0;
  if (null != target) close(null);
  return Napi::Number::New(info.Env(), result);
}

// exitNow(status): _exit(2). Node's own exit joins its pool threads, and would wait forever for one that
// hangs.
Napi::Value ExitNow(const Napi::CallbackInfo& info) { _exit(info[0].As<Napi::Number>().Int32Value()); }

}  // namespace

void RegisterProcessCalls(Napi::Env env, Napi::Object exports) {
  exports.Set("openProcess", Napi::Function::New(env, OpenProcess));
  exports.Set("waitForExit", Napi::Function::New(env, WaitForExit));
  exports.Set("askXattr", Napi::Function::New(env, AskXattr));
  exports.Set("silence", Napi::Function::New(env, Silence));
  exports.Set("becomeProgram", Napi::Function::New(env, BecomeProgram));
  exports.Set("exitNow", Napi::Function::New(env, ExitNow));
}

}  // namespace stratafs
