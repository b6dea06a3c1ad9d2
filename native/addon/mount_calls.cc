// mount(2), umount2(2), the FUSE device, and the descriptor that fusermount3 sends over a socket.
//
// Every function returns a number: a descriptor or 0, or a negative errno.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "parts.h"

namespace stratafs {

namespace {

// Linux 5.2 and 5.12; the numbers are the same on all architectures that Node runs on.
constexpr long kOpenTree = 428;
constexpr long kMountSetattr = 442;
constexpr unsigned kOpenTreeClone = 1;

Napi::Value Result(Napi::Env env, int result) { return Napi::Number::New(env, result < 0 ? -errno : result); }

// openDevice(path): the descriptor of a new FUSE connection.
Napi::Value OpenDevice(const Napi::CallbackInfo& info) {
  std::string path = info[0].As<Napi::String>().Utf8Value();
  return Result(info.Env(), open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
}

// mount(source, target, type, flags, options)
Napi::Value Mount(const Napi::CallbackInfo& info) {
  std::string source = info[0].As<Napi::String>().Utf8Value();
  std::string target = info[1].As<Napi::String>().Utf8Value();
  std::string type = info[2].As<Napi::String>().Utf8Value();
  unsigned long flags = info[3].As<Napi::Number>().Uint32Value();
  std::string options = info[4].As<Napi::String>().Utf8Value();
  return Result(info.Env(), mount(source.c_str(), target.c_str(), type.c_str(), flags, options.c_str()));
}

// Unmounting can wait for the daemon that requests it, so it runs on a pool thread.
class UnmountWorker : public Napi::AsyncWorker {
 public:
  UnmountWorker(Napi::Env env, std::string target, int flags)
      : Napi::AsyncWorker(env), deferred_(env), target_(std::move(target)), flags_(flags) {}
  Napi::Promise Promise() { return deferred_.Promise(); }

  void Execute() override { result_ = umount2(target_.c_str(), flags_) < 0 ? -errno : 0; }
  void OnOK() override { deferred_.Resolve(Napi::Number::New(Env(), result_)); }

 private:
  Napi::Promise::Deferred deferred_;
  std::string target_;
  int flags_;
  int result_ = 0;
};

// unmount(target, flags): a promise.
Napi::Value Unmount(const Napi::CallbackInfo& info) {
  UnmountWorker* worker = new UnmountWorker(info.Env(), info[0].As<Napi::String>().Utf8Value(),
                                            info[1].As<Napi::Number>().Int32Value());
  worker->Queue();
  return worker->Promise();
}

// struct mount_attr of linux/mount.h, which can't be included together with sys/mount.h.
struct MountAttributes {
  uint64_t set;
  uint64_t clear;
  uint64_t propagation;
  uint64_t user_namespace;
};

// cloneMount(path, set, clear): a descriptor of `path` in a private mount, which is in no mount table.
Napi::Value CloneMount(const Napi::CallbackInfo& info) {
  std::string path = info[0].As<Napi::String>().Utf8Value();
  MountAttributes attributes = {};
  attributes.set = info[1].As<Napi::Number>().Uint32Value();
  attributes.clear = info[2].As<Napi::Number>().Uint32Value();
  attributes.propagation = MS_PRIVATE;
  const long fd = syscall(kOpenTree, AT_FDCWD, path.c_str(),
                          kOpenTreeClone | static_cast<unsigned>(O_CLOEXEC | AT_SYMLINK_NOFOLLOW));
  if (fd < 0) return Result(info.Env(), -1);
  if (syscall(kMountSetattr, fd, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) < 0) {
    const int error = errno;
    close(static_cast<int>(fd));
    return Napi::Number::New(info.Env(), -error);
  }
  return Napi::Number::New(info.Env(), static_cast<double>(fd));
}

// socketPair(): [a, b], both close-on-exec; a number if it failed.
Napi::Value SocketPair(const Napi::CallbackInfo& info) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return Result(info.Env(), -1);
  Napi::Array pair = Napi::Array::New(info.Env(), 2);
  pair.Set(0u, Napi::Number::New(info.Env(), ends[0]));
  pair.Set(1u, Napi::Number::New(info.Env(), ends[1]));
  return pair;
}

// receiveDescriptor(socket): the descriptor that has arrived in the socket (SCM_RIGHTS, unix(7)).
Napi::Value ReceiveDescriptor(const Napi::CallbackInfo& info) {
  int socket = info[0].As<Napi::Number>().Int32Value();
  char byte;
  struct iovec part = {&byte, 1};
  alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  struct msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  ssize_t n;
  do n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  if (n < 0) return Result(info.Env(), -1);
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (n == 0 || header == nullptr || header->cmsg_type != SCM_RIGHTS) {
    return Napi::Number::New(info.Env(), -EBADF);
  }
  int fd;
  memcpy(&fd, CMSG_DATA(header), sizeof(fd));
  return Napi::Number::New(info.Env(), fd);
}

}  // namespace

void RegisterMountCalls(Napi::Env env, Napi::Object exports) {
  exports.Set("openDevice", Napi::Function::New(env, OpenDevice));
  exports.Set("mount", Napi::Function::New(env, Mount));
  exports.Set("unmount", Napi::Function::New(env, Unmount));
  exports.Set("cloneMount", Napi::Function::New(env, CloneMount));
  exports.Set("socketPair", Napi::Function::New(env, SocketPair));
  exports.Set("receiveDescriptor", Napi::Function::New(env, ReceiveDescriptor));
}

}  // namespace stratafs
