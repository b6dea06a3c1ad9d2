// A lock that ends with its process: an abstract UNIX socket address (unix(7)), to which only one socket at a
// time can be bound.
//
// The holder listens, so that others can find out its process and user (SO_PEERCRED); it never accepts.
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "call_arguments.h"
#include "parts.h"

namespace stratafs {

namespace {

constexpr int kBacklog = 1024;
// A holder may have bound its socket without listening yet: so many tries, one per millisecond.
constexpr int kTries = 50;

struct Address {
  struct sockaddr_un name = {};
  socklen_t length = 0;
};

// `name` is at most 107 bytes.
Address AbstractAddress(const std::string& name) {
  Address address;
  address.name.sun_family = AF_UNIX;
  // sun_path starts with a NUL: no file is made.
  const size_t length = std::min(name.size(), sizeof(address.name.sun_path) - 1);
  memcpy(address.name.sun_path + 1, name.data(), length);
  address.length = static_cast<socklen_t>(offsetof(struct sockaddr_un, sun_path) + 1 + length);
  return address;
}

// A listening socket with the address: -1 and errno.
int Listen(const Address& address) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (bind(fd, reinterpret_cast<const struct sockaddr*>(&address.name), address.length) == 0 &&
      listen(fd, kBacklog) == 0) {
    return fd;
  }
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

// lockName(name): a descriptor that holds the lock until it is closed; -EADDRINUSE if another process has it.
napi_value LockName(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const Address address = AbstractAddress(in.String(0));
  return in.Answer([&] { return Listen(address); });
}

// nameHolder(name): [pid, uid] of the process that has the lock, or a negative errno.
napi_value NameHolder(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const Address address = AbstractAddress(in.String(0));
  if (in.error() != 0) return in.MakeNumber(in.error());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return in.MakeNumber(-errno);
  int error = ECONNREFUSED;
  for (int i = 0; i < kTries && error == ECONNREFUSED; i++) {
    if (i > 0) poll(nullptr, 0, 1);
    const auto* name = reinterpret_cast<const struct sockaddr*>(&address.name);
    error = connect(fd, name, address.length) < 0 ? errno : 0;
  }
  struct ucred holder = {};
  socklen_t size = sizeof(holder);
  if (error == 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &holder, &size) < 0) error = errno;
  close(fd);
  return error != 0 ? in.MakeNumber(-error) : in.MakePair(holder.pid, holder.uid);
}

}  // namespace

void RegisterNameLock(Napi::Env env, Napi::Object exports) {
  const NamedCall calls[] = {{"lockName", LockName}, {"nameHolder", NameHolder}};
  ExportCalls(env, exports, calls);
}

}  // namespace stratafs
