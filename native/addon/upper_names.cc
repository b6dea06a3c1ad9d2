// Names in the upper and the work directory: opens, makes, links, renames and removes a file by (directory,
// one component). src/sys/upper-calls.ts documents every function.
#include "upper_names.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "call_arguments.h"
#include "parts.h"
#include "upper_paths.h"
#include "upper_stat.h"

namespace stratafs {

namespace {

constexpr uint64_t kBeneath = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
// Flags for opening an existing file. FMODE_EXEC, which the kernel passes on through FUSE, is not among them:
// openat2 refuses unknown flags.
constexpr uint32_t kOpenFlags = O_ACCMODE | O_APPEND | O_TRUNC | O_DIRECT | O_DIRECTORY | O_NOATIME |
                                O_NOFOLLOW | O_PATH | O_SYNC | O_DSYNC | O_NONBLOCK;
constexpr uint32_t kCreateFlags = O_ACCMODE | O_APPEND | O_DIRECT | O_NOATIME | O_SYNC | O_DSYNC;
constexpr uint32_t kModeBits = 07777;
// openat2 returns EAGAIN if a rename interfered, and open(2) does while a lease (Samba) is being broken; the
// latter is reported.
constexpr int kOpenTries = 16;

// Changes the process's umask while it exists. The file system applies the umask only if no default ACL
// replaces it. Pool threads make no files, so the change doesn't affect them.
class ScopedUmask {
 public:
  explicit ScopedUmask(uint32_t mask) : before_(umask(mask & 0777)) {}
  ~ScopedUmask() { umask(before_); }
  ScopedUmask(const ScopedUmask&) = delete;
  ScopedUmask& operator=(const ScopedUmask&) = delete;

 private:
  const mode_t before_;
};

long OpenBeneath(int dir, const char* name, uint32_t flags, uint32_t mode) {
  struct open_how how = {};
  how.flags = flags | O_CLOEXEC;
  how.mode = mode;
  how.resolve = kBeneath;
  long fd = -1;
  for (int i = 0; i < kOpenTries; i++) {
    fd = syscall(SYS_openat2, dir, name, &how, sizeof(how));
    if (fd >= 0 || (errno != EINTR && errno != EAGAIN)) break;
  }
  return fd;
}

// A regular file that does not exist yet: the arguments (dir, name, flags, mode, umask).
struct NewFile {
  explicit NewFile(CallArguments* in) : dir(in->Descriptor(0)) {
    in->Name(1, &name);
    flags = in->Uint(2);
    mode = in->Uint(3);
    mask = in->Uint(4);
  }

  // A descriptor of it, or -1 and errno.
  int Create() const {
    constexpr uint32_t fixed = O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    ScopedUmask scope(mask);
    return openat(dir, name.c_str(), static_cast<int>((flags & kCreateFlags) | fixed), mode & kModeBits);
  }

  const int dir;
  Component name;
  uint32_t flags;
  uint32_t mode;
  uint32_t mask;
};

// openAt(dir, name, flags)
napi_value OpenAt(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int dir = in.Descriptor(0);
  Component name;
  in.NameOrEmpty(1, &name);
  const uint32_t asked = in.Uint(2);
  if ((asked & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) != 0) in.Fail(-EINVAL);
  uint32_t flags = (asked & kOpenFlags) | O_NOFOLLOW;
  // A FIFO in place of the file must not block the daemon. With O_PATH the kernel refuses such flags.
  if ((flags & O_PATH) == 0) flags |= O_NONBLOCK | O_NOCTTY;
  if ((flags & O_PATH) != 0) flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW;
  return in.Answer([&] { return OpenBeneath(dir, name.is_empty() ? "." : name.c_str(), flags, 0); });
}

// reopen(fd, flags)
napi_value Reopen(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int fd = in.Descriptor(0);
  const uint32_t flags = in.Uint(1);
  return in.Answer([&] { return ReopenFile(fd, flags & kOpenFlags & ~static_cast<uint32_t>(O_NOFOLLOW)); });
}

// createAt(dir, name, flags, mode, umask)
napi_value CreateAt(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const NewFile file(&in);
  return in.Answer([&] { return file.Create(); });
}

// createAndStat(dir, name, flags, mode, umask, out)
napi_value CreateAndStat(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const NewFile file(&in);
  double* out = in.Doubles(5, kStatLength);
  return in.Answer([&] {
    const int fd = file.Create();
    struct statx st;
    if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, kStatMask, &st) == 0) {
      if (fd >= 0) FillStat(st, out);
      return fd;
    }
    const int error = errno;
    close(fd);
    unlinkat(file.dir, file.name.c_str(), 0);
    errno = error;
    return -1;
  });
}

// tmpfileAt(dir, flags, mode, umask)
napi_value TmpfileAt(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int dir = in.Descriptor(0);
  const uint32_t flags = (in.Uint(1) & kCreateFlags) | O_TMPFILE;
  const uint32_t mode = in.Uint(2) & kModeBits;
  const uint32_t mask = in.Uint(3);
  return in.Answer([&] {
    ScopedUmask scope(mask);
    const long fd = OpenBeneath(dir, ".", flags, mode);
    // A file system that doesn't know the flag opens the directory for writing.
    if (fd < 0 && errno == EISDIR) errno = EOPNOTSUPP;
    return fd;
  });
}

// mkdirAt(dir, name, mode, umask)
napi_value MkdirAt(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int dir = in.Descriptor(0);
  Component name;
  in.Name(1, &name);
  const uint32_t mode = in.Uint(2) & kModeBits;
  const uint32_t mask = in.Uint(3);
  return in.Answer([&] { return MakeDirectory(dir, name, mode, mask); });
}

// mknodAt(dir, name, mode, rdev, umask)
napi_value MknodAt(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int dir = in.Descriptor(0);
  Component name;
  in.Name(1, &name);
  const uint32_t mode = in.Uint(2) & (S_IFMT | kModeBits);
  const uint32_t rdev = in.Uint(3);
  const uint32_t mask = in.Uint(4);
  // new_decode_dev of linux/kdev_t.h
  const dev_t device = makedev((rdev & 0xfff00) >> 8, (rdev & 0xff) | ((rdev >> 12) & 0xfff00));
  return in.Answer([&] {
    ScopedUmask scope(mask);
    return mknodat(dir, name.c_str(), mode, device);
  });
}

// symlinkAt(target, dir, name)
napi_value SymlinkAt(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  char target[PATH_MAX];
  in.Text(0, target, sizeof(target));
  const int dir = in.Descriptor(1);
  Component name;
  in.Name(2, &name);
  return in.Answer([&] { return symlinkat(target, dir, name.c_str()); });
}

// linkAt(fromDir, fromName, dir, name)
napi_value LinkAt(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int from_dir = in.Descriptor(0);
  Component from_name;
  in.NameOrEmpty(1, &from_name);
  const int dir = in.Descriptor(2);
  Component name;
  in.Name(3, &name);
  return in.Answer([&] { return Link(from_dir, from_name, dir, name); });
}

napi_value Unlink(napi_env env, napi_callback_info info, int flags) {
  CallArguments in(env, info);
  const int dir = in.Descriptor(0);
  Component name;
  in.Name(1, &name);
  return in.Answer([&] { return unlinkat(dir, name.c_str(), flags); });
}

// unlinkAt(dir, name)
napi_value UnlinkAt(napi_env env, napi_callback_info info) { return Unlink(env, info, 0); }

// rmdirAt(dir, name)
napi_value RmdirAt(napi_env env, napi_callback_info info) { return Unlink(env, info, AT_REMOVEDIR); }

// renameAt(fromDir, fromName, dir, name, flags)
napi_value RenameAt(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int from_dir = in.Descriptor(0);
  Component from_name;
  in.Name(1, &from_name);
  const int dir = in.Descriptor(2);
  Component name;
  in.Name(3, &name);
  const uint32_t flags = in.Uint(4);
  return in.Answer(
      [&] { return syscall(SYS_renameat2, from_dir, from_name.c_str(), dir, name.c_str(), flags); });
}

}  // namespace

int Link(int from_dir, const Component& from_name, int dir, const Component& name) {
  if (!from_name.is_empty()) return linkat(from_dir, from_name.c_str(), dir, name.c_str(), 0);
  const int result = linkat(from_dir, "", dir, name.c_str(), AT_EMPTY_PATH);
  if (result == 0 || errno != ENOENT) return result;
  // AT_EMPTY_PATH needs CAP_DAC_READ_SEARCH; a path through /proc doesn't.
  return linkat(AT_FDCWD, DescriptorPath(from_dir).c_str(), dir, name.c_str(), AT_SYMLINK_FOLLOW);
}

int MakeDirectory(int dir, const Component& name, uint32_t mode, uint32_t mask) {
  ScopedUmask scope(mask);
  return mkdirat(dir, name.c_str(), mode);
}

void RegisterUpperNames(Napi::Env env, Napi::Object exports) {
  ExportCalls(env, exports,
              {{"openAt", OpenAt},
               {"reopen", Reopen},
               {"createAt", CreateAt},
               {"createAndStat", CreateAndStat},
               {"tmpfileAt", TmpfileAt},
               {"mkdirAt", MkdirAt},
               {"mknodAt", MknodAt},
               {"symlinkAt", SymlinkAt},
               {"linkAt", LinkAt},
               {"unlinkAt", UnlinkAt},
               {"rmdirAt", RmdirAt},
               {"renameAt", RenameAt}});
}

}  // namespace stratafs
