// Reads and writes the content of files, symlinks and directories of the upper, synchronously.
// src/sys/upper-calls.ts documents every function.
#include "upper_data.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "call_arguments.h"
#include "parts.h"

namespace stratafs {

int64_t WriteAll(int fd, const uint8_t* bytes, size_t size, int64_t position) {
  size_t done = 0;
  while (done < size) {
    const ssize_t n = pwrite(fd, bytes + done, size - done, position + static_cast<int64_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && done == 0) return -1;
    if (n <= 0) break;
    done += static_cast<size_t>(n);
  }
  return static_cast<int64_t>(done);
}

namespace {

// struct linux_dirent64 of getdents64(2).
struct LinuxDirent {
  uint64_t ino;
  int64_t offset;
  uint16_t record_length;
  uint8_t type;
  char name[];
};

// Limit of the names of a directory (a Buffer of half a gigabyte); more is -EFBIG.
constexpr size_t kNamesLimit = 512 << 20;
constexpr size_t kDirentsSize = 1 << 15;

bool IsDot(const char* name) {
  return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

// Appends all names of `dir`, to its end: 0, or -1 and errno.
int AppendNames(int dir, std::vector<uint8_t>* out) {
  alignas(LinuxDirent) char batch[kDirentsSize];
  for (;;) {
    const long length = syscall(SYS_getdents64, dir, batch, sizeof(batch));
    if (length <= 0) return static_cast<int>(length);
    for (long at = 0; at < length;) {
      const LinuxDirent* entry = reinterpret_cast<const LinuxDirent*>(batch + at);
      at += entry->record_length;
      if (IsDot(entry->name)) continue;
      const size_t name_length = strlen(entry->name);
      // An upper can't lie on a file system with longer names.
      if (name_length > NAME_MAX || out->size() > kNamesLimit) {
        errno = EFBIG;
        return -1;
      }
      out->push_back(entry->type);
      out->push_back(static_cast<uint8_t>(name_length));
      out->insert(out->end(), entry->name, entry->name + name_length);
    }
  }
}

// listNames(dir)
napi_value ListNames(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int dir = in.Descriptor(0);
  if (in.error() != 0) return in.MakeNumber(in.error());
  constexpr int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  int fd = openat(dir, ".", flags | O_NOATIME);
  // O_NOATIME is only for the owner.
  if (fd < 0 && errno == EPERM) fd = openat(dir, ".", flags);
  if (fd < 0) return in.MakeNumber(-errno);
  std::vector<uint8_t> names;
  const int error = AppendNames(fd, &names) < 0 ? -errno : 0;
  close(fd);
  if (error != 0) return in.MakeNumber(error);
  return in.MakeBuffer(names.data(), names.size());
}

// accessDirectory(dir)
napi_value AccessDirectory(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int dir = in.Descriptor(0);
  return in.Answer([&]() -> int64_t {
    const int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return -1;
    // Room for one name is enough: the entries are not used.
    alignas(LinuxDirent) char batch[sizeof(LinuxDirent) + NAME_MAX + 1];
    const long length = syscall(SYS_getdents64, fd, batch, sizeof(batch));
    const int error = errno;
    close(fd);
    errno = error;
    return length < 0 ? -1 : 0;
  });
}

// readlinkAt(dir, name)
napi_value ReadlinkAt(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int dir = in.Descriptor(0);
  Component name;
  in.NameOrEmpty(1, &name);
  if (in.error() != 0) return in.MakeNumber(in.error());
  char target[PATH_MAX];
  const ssize_t length = readlinkat(dir, name.c_str(), target, sizeof(target));
  if (length < 0) return in.MakeNumber(-errno);
  return in.MakeBuffer(target, static_cast<size_t>(length));
}

// truncateFile(fd, size)
napi_value TruncateFile(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int fd = in.Descriptor(0);
  const int64_t size = in.Int64(1);
  return in.Answer([&] {
    int result;
    do result = ftruncate(fd, size);
    while (result < 0 && errno == EINTR);
    return result;
  });
}

// writeFile(fd, bytes, position)
napi_value WriteFile(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int fd = in.Descriptor(0);
  const ByteSpan bytes = in.Bytes(1);
  const int64_t position = in.Int64(2);
  return in.Answer([&] { return WriteAll(fd, bytes.data, bytes.size, position); });
}

// allocateFile(fd, mode, offset, length)
napi_value AllocateFile(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int fd = in.Descriptor(0);
  const int mode = in.Int(1);
  const int64_t offset = in.Int64(2);
  const int64_t length = in.Int64(3);
  return in.Answer([&] {
    int result;
    do result = fallocate(fd, mode, offset, length);
    while (result < 0 && errno == EINTR);
    return result;
  });
}

// seekFile(fd, offset, whence)
napi_value SeekFile(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int fd = in.Descriptor(0);
  const int64_t offset = in.Int64(1);
  const int whence = in.Int(2);
  return in.Answer([&] { return lseek(fd, offset, whence); });
}

// lockFile(fd)
napi_value LockFile(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int fd = in.Descriptor(0);
  return in.Answer([&] { return flock(fd, LOCK_EX | LOCK_NB); });
}

}  // namespace

void RegisterUpperData(Napi::Env env, Napi::Object exports) {
  ExportCalls(env, exports,
              {{"listNames", ListNames},
               {"accessDirectory", AccessDirectory},
               {"readlinkAt", ReadlinkAt},
               {"truncateFile", TruncateFile},
               {"writeFile", WriteFile},
               {"allocateFile", AllocateFile},
               {"seekFile", SeekFile},
               {"lockFile", LockFile}});
}

}  // namespace stratafs
