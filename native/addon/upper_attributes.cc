// Attributes of files in the upper directory, its file system, and inode flags. src/sys/upper-calls.ts
// documents every function.
#include "upper_attributes.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "call_arguments.h"
#include "parts.h"
#include "upper_paths.h"
#include "upper_stat.h"

// Linux 6.6; the number is the same on all architectures that Node runs on.
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

namespace stratafs {

namespace {

// chmod of the file of `path` (O_PATH): -1 and errno.
int ChmodByPath(int path, mode_t mode) {
  struct stat st;
  if (fstat(path, &st) < 0) return -1;
  if (S_ISLNK(st.st_mode)) {
    errno = EOPNOTSUPP;
    return -1;
  }
  return chmod(DescriptorPath(path).c_str(), mode);
}

}  // namespace

int ChangeMode(int dir, const Component& name, mode_t mode) {
  const long result = syscall(SYS_fchmodat2, dir, name.c_str(), mode, NameFlags(name));
  if (result == 0 || errno != ENOSYS) return static_cast<int>(result);
  if (name.is_empty()) return ChmodByPath(dir, mode);
  const int path = openat(dir, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (path < 0) return path;
  const int changed = ChmodByPath(path, mode);
  const int error = errno;
  close(path);
  errno = error;
  return changed;
}

int ChangeTimes(int dir, const Component& name, const struct timespec times[2]) {
  // The system call itself, because a C library may refuse flags that it doesn't know.
  return static_cast<int>(syscall(SYS_utimensat, dir, name.c_str(), times, NameFlags(name)));
}

namespace {

// Numbers that statfsAt fills (src/sys/upper-calls.ts).
constexpr size_t kStatfsLength = 8;

// statAt(dir, name, out)
napi_value StatAt(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int dir = in.Descriptor(0);
  Component name;
  in.NameOrEmpty(1, &name);
  double* out = in.Doubles(2, kStatLength);
  return in.Answer([&] {
    struct statx st;
    const int flags = NameFlags(name) | AT_NO_AUTOMOUNT;
    const int result = statx(dir, name.c_str(), flags, kStatMask, &st);
    if (result == 0) FillStat(st, out);
    return result;
  });
}

// chmodAt(dir, name, mode)
napi_value ChmodAt(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int dir = in.Descriptor(0);
  Component name;
  in.NameOrEmpty(1, &name);
  const mode_t mode = in.Uint(2) & 07777;
  return in.Answer([&] { return ChangeMode(dir, name, mode); });
}

// chownAt(dir, name, uid, gid)
napi_value ChownAt(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int dir = in.Descriptor(0);
  Component name;
  in.NameOrEmpty(1, &name);
  const uid_t uid = in.Uint(2);
  const gid_t gid = in.Uint(3);
  return in.Answer([&] { return fchownat(dir, name.c_str(), uid, gid, NameFlags(name)); });
}

// utimensAt(dir, name, atimeSec, atimeNsec, mtimeSec, mtimeNsec)
napi_value UtimensAt(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int dir = in.Descriptor(0);
  Component name;
  in.NameOrEmpty(1, &name);
  const struct timespec times[2] = {{in.Int64(2), in.Int(3)}, {in.Int64(4), in.Int(5)}};
  return in.Answer([&] { return ChangeTimes(dir, name, times); });
}

// getFlags(fd)
napi_value GetFlags(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int fd = in.Descriptor(0);
  return in.Answer([&]() -> int64_t {
    // The kernel fills an int, although the request's number encodes a long.
    uint32_t flags[2] = {};
    if (ioctl(fd, FS_IOC_GETFLAGS, flags) == 0) return flags[0];
    if (errno == EOPNOTSUPP) errno = ENOTTY;
    return -1;
  });
}

// setFlags(fd, flags)
napi_value SetFlags(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int fd = in.Descriptor(0);
  const uint32_t flags[2] = {in.Uint(1), 0};
  return in.Answer([&] {
    const int result = ioctl(fd, FS_IOC_SETFLAGS, flags);
    if (result < 0 && errno == EOPNOTSUPP) errno = ENOTTY;
    return result;
  });
}

// statfsAt(fd, out)
napi_value StatfsAt(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int fd = in.Descriptor(0);
  double* out = in.Doubles(1, kStatfsLength);
  return in.Answer([&] {
    struct statfs st;
    int result;
    do result = fstatfs(fd, &st);
    while (result < 0 && errno == EINTR);
    if (result < 0) return result;
    out[0] = static_cast<double>(st.f_blocks);
    out[1] = static_cast<double>(st.f_bfree);
    out[2] = static_cast<double>(st.f_bavail);
    out[3] = static_cast<double>(st.f_files);
    out[4] = static_cast<double>(st.f_ffree);
    out[5] = static_cast<double>(st.f_frsize != 0 ? st.f_frsize : st.f_bsize);
    out[6] = static_cast<double>(st.f_namelen);
    out[7] = static_cast<double>(static_cast<uint32_t>(st.f_type));
    return 0;
  });
}

}  // namespace

void RegisterUpperAttributes(Napi::Env env, Napi::Object exports) {
  ExportCalls(env, exports,
              {{"statAt", StatAt},
               {"chmodAt", ChmodAt},
               {"chownAt", ChownAt},
               {"utimensAt", UtimensAt},
               {"getFlags", GetFlags},
               {"setFlags", SetFlags},
               {"statfsAt", StatfsAt}});
}

}  // namespace stratafs
