// System calls on processes, for commands: wait for a process to end, query a mount that may never answer,
// exit while a thread waits for such an answer, and execute another program.
//
// Every function returns a value or 0, or a negative errno.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "call_arguments.h"
#include "parts.h"
#include "pool_job.h"

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
napi_value OpenProcess(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int pid = in.Int(0);
  return in.Answer([&] { return syscall(SYS_pidfd_open, pid, 0); });
}

// becomeProgram(path, arguments): execve(2) with this process's environment. Returns only on failure, a
// negative errno.
napi_value BecomeProgram(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const std::string path = in.String(0);
  std::vector<std::string> texts = in.Strings(1);
  std::vector<char*> arguments;
  for (std::string& text : texts) arguments.push_back(text.data());
  arguments.push_back(nullptr);
  return in.Answer([&] {
    // Node marks all descriptors close-on-exec, and ignores SIGPIPE, which a new program would inherit.
    for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) fcntl(fd, F_SETFD, 0);
    signal(SIGPIPE, SIG_DFL);
    execv(path.c_str(), arguments.data());
    const int error = errno;
    signal(SIGPIPE, SIG_IGN);
    errno = error;
    return -1;
  });
}

class ExitJob : public PoolJob {
 public:
  ExitJob(int process, int timeout) : process_(process), timeout_(timeout) {}

 protected:
  int64_t Run() override {
    struct pollfd entry = {process_, POLLIN, 0};
    int ready;
    do ready = poll(&entry, 1, timeout_);
    while (ready < 0 && errno == EINTR);
    return ready < 0 ? -errno : ready == 0 ? -ETIMEDOUT : 0;
  }

 private:
  const int process_;
  const int timeout_;
};

// waitForExit(process, milliseconds): a promise of 0, or -ETIMEDOUT.
napi_value WaitForExit(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  return PoolJob::Queue(&in, new ExitJob(in.Descriptor(0), in.Int(1)));
}

class XattrJob : public PoolJob {
 public:
  XattrJob(std::string path, std::string name) : path_(std::move(path)), name_(std::move(name)) {}

 protected:
  int64_t Run() override {
    for (int i = 0; i < kXattrTries; i++) {
      const ssize_t size = getxattr(path_.c_str(), name_.c_str(), nullptr, 0);
      if (size < 0) return -errno;
      if (static_cast<size_t>(size) > kXattrSizeMax) return -E2BIG;
      // One byte more: a size of 0 would query the length again.
      value_.resize(static_cast<size_t>(size) + 1);
      const ssize_t length = getxattr(path_.c_str(), name_.c_str(), value_.data(), value_.size());
      if (length >= 0) return length;
      if (errno != ERANGE) return -errno;
    }
    return -ERANGE;
  }

  napi_value MakeAnswer(napi_env env, int64_t result) override {
    if (result < 0) return PoolJob::MakeAnswer(env, result);
    napi_value buffer = nullptr;
    napi_create_buffer_copy(env, static_cast<size_t>(result), value_.data(), nullptr, &buffer);
    return buffer;
  }

 private:
  const std::string path_;
  const std::string name_;
  std::vector<char> value_;
};

// askXattr(path, name): a promise of the value. Follows symlinks, so that the path may be one of
// /proc/self/fd.
napi_value AskXattr(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  return PoolJob::Queue(&in, new XattrJob(in.String(0), in.String(1)));
}

// Makes `target` a descriptor of /dev/null: 0, or -1 and errno.
int RedirectToNull(int target) {
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0 || null == target) return null < 0 ? -1 : 0;
  const int result = dup2(null, target);
  close(null);
  return result < 0 ? -1 : 0;
}

// peerOf(socket): [pid, uid] of the process that connected, or listens, at the other end of a UNIX socket;
// its effective user when it did so (SO_PEERCRED, unix(7)).
napi_value PeerOf(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int fd = in.Descriptor(0);
  if (in.error() != 0) return in.MakeNumber(in.error());
  struct ucred peer = {};
  socklen_t size = sizeof(peer);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return in.MakeNumber(-errno);
  return in.MakePair(peer.pid, peer.uid);
}

// silence(fd): redirects a standard stream to /dev/null.
napi_value Silence(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int target = in.Descriptor(0);
  return in.Answer([&] { return RedirectToNull(target); });
}

// exitNow(status): _exit(2). Node's own exit joins its pool threads, and would wait forever for one that
// hangs.
napi_value ExitNow(napi_env env, napi_callback_info info) { _exit(CallArguments(env, info).Int(0)); }

}  // namespace

void RegisterProcessCalls(Napi::Env env, Napi::Object exports) {
  const NamedCall calls[] = {
      {"openProcess", OpenProcess}, {"waitForExit", WaitForExit},     {"askXattr", AskXattr},
      {"silence", Silence},         {"becomeProgram", BecomeProgram}, {"exitNow", ExitNow},
      {"peerOf", PeerOf},
  };
  ExportCalls(env, exports, calls);
}

}  // namespace stratafs
