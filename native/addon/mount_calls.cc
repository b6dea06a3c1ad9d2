// mount(2), umount2(2), the FUSE device, and descriptors that go over a socket: from fusermount3, to the
// keeper.
//
// Every function returns a number, or a promise of one: a descriptor or 0, or a negative errno.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "call_arguments.h"
#include "parts.h"
#include "pool_job.h"

namespace stratafs {

namespace {

// Linux 5.2 and 5.12; the numbers are the same on all architectures that Node runs on.
constexpr long kOpenTree = 428;
constexpr long kMountSetattr = 442;
constexpr unsigned kOpenTreeClone = 1;

// openDevice(path): the descriptor of a new FUSE connection.
napi_value OpenDevice(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const std::string path = in.String(0);
  return in.Answer([&] { return open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK); });
}

// mount(source, target, type, flags, options)
napi_value Mount(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const std::string source = in.String(0);
  const std::string target = in.String(1);
  const std::string type = in.String(2);
  const unsigned long flags = in.Uint(3);
  const std::string options = in.String(4);
  return in.Answer(
      [&] { return mount(source.c_str(), target.c_str(), type.c_str(), flags, options.c_str()); });
}

// The file system that is mounted may read a file that this process serves.
class MountJob : public PoolJob {
 public:
  explicit MountJob(CallArguments* in)
      : source_(in->String(0)),
        target_(in->String(1)),
        type_(in->String(2)),
        flags_(in->Uint(3)),
        options_(in->String(4)) {}

 protected:
  int64_t Run() override {
    const int status = mount(source_.c_str(), target_.c_str(), type_.c_str(), flags_, options_.c_str());
    return status < 0 ? -errno : 0;
  }

 private:
  const std::string source_;
  const std::string target_;
  const std::string type_;
  const unsigned long flags_;
  const std::string options_;
};

// mountOnPool(source, target, type, flags, options): a promise.
napi_value MountOnPool(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  return PoolJob::Queue(&in, new MountJob(&in));
}

// Unmounting can wait for the daemon that requests it, so it runs on a pool thread.
class UnmountJob : public PoolJob {
 public:
  UnmountJob(std::string target, int flags) : target_(std::move(target)), flags_(flags) {}

 protected:
  int64_t Run() override { return umount2(target_.c_str(), flags_) < 0 ? -errno : 0; }

 private:
  const std::string target_;
  const int flags_;
};

// unmount(target, flags): a promise.
napi_value Unmount(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  return PoolJob::Queue(&in, new UnmountJob(in.String(0), in.Int(1)));
}

// struct mount_attr of linux/mount.h, which can't be included together with sys/mount.h.
struct MountAttributes {
  uint64_t set;
  uint64_t clear;
  uint64_t propagation;
  uint64_t user_namespace;
};

// The descriptor of a clone of the mount at `path`: -1 and errno.
long OpenClone(const char* path, const MountAttributes& attributes) {
  const long fd = syscall(kOpenTree, AT_FDCWD, path,
                          kOpenTreeClone | static_cast<unsigned>(O_CLOEXEC | AT_SYMLINK_NOFOLLOW));
  if (fd < 0 || syscall(kMountSetattr, fd, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) == 0)
    return fd;
  const int error = errno;
  close(static_cast<int>(fd));
  errno = error;
  return -1;
}

// cloneMount(path, set, clear): a descriptor of `path` in a private mount, which is in no mount table.
napi_value CloneMount(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const std::string path = in.String(0);
  MountAttributes attributes = {};
  attributes.set = in.Uint(1);
  attributes.clear = in.Uint(2);
  attributes.propagation = MS_PRIVATE;
  return in.Answer([&] { return OpenClone(path.c_str(), attributes); });
}

// socketPair(): [a, b], both close-on-exec; a number if it failed.
napi_value SocketPair(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return in.MakeNumber(-errno);
  return in.MakePair(ends[0], ends[1]);
}

// The descriptor that has arrived in a socket: -1 and errno.
int TakeDescriptor(int socket) {
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
  if (n < 0) return -1;
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (n == 0 || header == nullptr || header->cmsg_type != SCM_RIGHTS) {
    errno = EBADF;
    return -1;
  }
  int fd;
  memcpy(&fd, CMSG_DATA(header), sizeof(fd));
  return fd;
}

// receiveDescriptor(socket): the descriptor that has arrived in the socket (SCM_RIGHTS, unix(7)).
napi_value ReceiveDescriptor(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int socket = in.Descriptor(0);
  return in.Answer([&] { return TakeDescriptor(socket); });
}

// makeMemoryFile(name): the descriptor of an empty file in memory (memfd_create(2)).
napi_value MakeMemoryFile(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const std::string name = in.String(0);
  return in.Answer([&] { return memfd_create(name.c_str(), MFD_CLOEXEC); });
}

// sendDescriptors(socket, bytes, first, second): one message with both descriptors, which stay open here.
napi_value SendDescriptors(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int socket = in.Descriptor(0);
  const ByteSpan bytes = in.Bytes(1);
  const int descriptors[] = {in.Descriptor(2), in.Descriptor(3)};
  struct iovec part = {const_cast<uint8_t*>(bytes.data), bytes.size};
  alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(descriptors))] = {};
  struct msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(descriptors));
  memcpy(CMSG_DATA(header), descriptors, sizeof(descriptors));
  return in.Answer([&] { return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? -1 : 0; });
}

}  // namespace

void RegisterMountCalls(Napi::Env env, Napi::Object exports) {
  const NamedCall calls[] = {
      {"openDevice", OpenDevice},
      {"mount", Mount},
      {"mountOnPool", MountOnPool},
      {"unmount", Unmount},
      {"cloneMount", CloneMount},
      {"socketPair", SocketPair},
      {"receiveDescriptor", ReceiveDescriptor},
      {"makeMemoryFile", MakeMemoryFile},
      {"sendDescriptors", SendDescriptors},
  };
  ExportCalls(env, exports, calls);
}

}  // namespace stratafs
