// File system calls that Node lacks: opening beneath a directory, and reading directory entries with all
// their attributes in batches.
//
// Paths and names are bytes. Every function returns its result or a negative errno.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "call_arguments.h"
#include "parts.h"

namespace stratafs {

namespace {

// openBeneath(directory, path, flags): a descriptor. It follows no symlink and stays beneath `directory`.
napi_value OpenBeneath(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int directory = in.Descriptor(0);
  char path[PATH_MAX];
  in.Text(1, path, sizeof(path));
  struct open_how how = {};
  how.flags = in.Uint(2) | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return in.Answer([&] {
    long fd;
    do fd = syscall(SYS_openat2, directory, path[0] == '\0' ? "." : path, &how, sizeof(how));
    while (fd < 0 && (errno == EINTR || errno == EAGAIN));
    return fd;
  });
}

// A directory entry as JavaScript reads it. src/sys/file-calls.ts has the same table, and a test compares
// them.
struct EntryHeader {
  uint32_t record_length;
  uint16_t name_length;
  uint16_t flags;
  uint32_t mode;
  uint32_t uid;
  uint32_t gid;
  uint32_t link_count;
  uint32_t rdev_major;
  uint32_t rdev_minor;
  uint32_t mtime_nsec;
  uint32_t atime_nsec;
  uint32_t target_length;
  uint32_t xattrs_length;
  double size;
  double mtime_sec;
  double atime_sec;
  uint64_t ino;
  uint32_t dev_major;
  uint32_t dev_minor;
};
static_assert(sizeof(EntryHeader) == 88, "src/sys/file-calls.ts has the layout");

constexpr uint16_t kIsMountRoot = 1;
constexpr uint16_t kIsImmutable = 2;
constexpr uint16_t kIsAppendOnly = 4;

struct LinuxDirent {
  uint64_t ino;
  int64_t offset;
  uint16_t record_length;
  uint8_t type;
  char name[];
};

void Append(std::vector<uint8_t>* out, const void* bytes, size_t length) {
  const uint8_t* from = static_cast<const uint8_t*>(bytes);
  out->insert(out->end(), from, from + length);
}

// Appends the xattrs of `path`, whose last component is not followed: u16 count, then for each u8 length of
// the name, u32 length of the value, name, value. Appends nothing if there are none. 0 or -errno.
int AppendXattrs(const std::string& path, std::vector<uint8_t>* out) {
  ssize_t length = llistxattr(path.c_str(), nullptr, 0);
  if (length < 0) return errno == ENOTSUP ? 0 : -errno;
  if (length == 0) return 0;
  std::vector<char> names(static_cast<size_t>(length) + 1024);
  length = llistxattr(path.c_str(), names.data(), names.size());
  if (length < 0) return -errno;
  std::vector<uint8_t> value(1 << 16);
  size_t start = out->size();
  uint16_t count = 0;
  Append(out, &count, sizeof(count));
  for (ssize_t at = 0; at < length;) {
    const char* name = names.data() + at;
    size_t name_length = strnlen(name, static_cast<size_t>(length - at));
    at += static_cast<ssize_t>(name_length) + 1;
    ssize_t size = lgetxattr(path.c_str(), name, value.data(), value.size());
    // A listed name without a value has been removed since, or we have no permission to read it.
    if (size < 0 && (errno == ENODATA || errno == EPERM || errno == EACCES || errno == ENOTSUP)) continue;
    if (size < 0) return -errno;
    uint8_t short_length = static_cast<uint8_t>(name_length);
    uint32_t value_length = static_cast<uint32_t>(size);
    Append(out, &short_length, sizeof(short_length));
    Append(out, &value_length, sizeof(value_length));
    Append(out, name, name_length);
    Append(out, value.data(), value_length);
    count++;
  }
  memcpy(out->data() + start, &count, sizeof(count));
  return 0;
}

// Handles a failure for the entry that starts at `start`. An entry that has vanished is skipped (EINVAL: a
// symlink was replaced by something else). 0 or -errno.
int GoneOr(int error, size_t start, std::vector<uint8_t>* out) {
  out->resize(start);
  return error == ENOENT || error == EINVAL ? 0 : -error;
}

// Appends one entry; skips one that has vanished. 0 or -errno.
int AppendEntry(int directory, const char* name, std::vector<uint8_t>* out) {
  struct statx st;
  if (statx(directory, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &st) < 0) {
    return errno == ENOENT ? 0 : -errno;
  }
  EntryHeader header = {};
  header.name_length = static_cast<uint16_t>(strlen(name));
  if ((st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0) header.flags |= kIsMountRoot;
  if ((st.stx_attributes & STATX_ATTR_IMMUTABLE) != 0) header.flags |= kIsImmutable;
  if ((st.stx_attributes & STATX_ATTR_APPEND) != 0) header.flags |= kIsAppendOnly;
  header.mode = st.stx_mode;
  header.uid = st.stx_uid;
  header.gid = st.stx_gid;
  header.link_count = st.stx_nlink;
  header.rdev_major = st.stx_rdev_major;
  header.rdev_minor = st.stx_rdev_minor;
  header.mtime_nsec = st.stx_mtime.tv_nsec;
  header.atime_nsec = st.stx_atime.tv_nsec;
  header.size = static_cast<double>(st.stx_size);
  header.mtime_sec = static_cast<double>(st.stx_mtime.tv_sec);
  header.atime_sec = static_cast<double>(st.stx_atime.tv_sec);
  header.ino = st.stx_ino;
  header.dev_major = st.stx_dev_major;
  header.dev_minor = st.stx_dev_minor;
  size_t start = out->size();
  Append(out, &header, sizeof(header));
  Append(out, name, header.name_length);
  if (S_ISLNK(st.stx_mode)) {
    char target[PATH_MAX];
    ssize_t length = readlinkat(directory, name, target, sizeof(target));
    if (length < 0) return GoneOr(errno, start, out);
    header.target_length = static_cast<uint32_t>(length);
    Append(out, target, header.target_length);
  }
  size_t xattrs = out->size();
  // Through /proc: llistxattrat(2) exists only from Linux 6.13 on, and entries that can't be opened have
  // xattrs too.
  int status = AppendXattrs("/proc/self/fd/" + std::to_string(directory) + "/" + name, out);
  if (status < 0) return GoneOr(-status, start, out);
  header.xattrs_length = static_cast<uint32_t>(out->size() - xattrs);
  out->resize((out->size() + 7) & ~static_cast<size_t>(7));
  header.record_length = static_cast<uint32_t>(out->size() - start);
  memcpy(out->data() + start, &header, sizeof(header));
  return 0;
}

// readDirectoryBatch(directory): the next entries of an open directory, including "." and "..", as one
// Buffer; an empty one at the end.
napi_value ReadDirectoryBatch(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int directory = in.Descriptor(0);
  if (in.error() != 0) return in.MakeNumber(in.error());
  std::vector<uint8_t> names(1 << 15);
  std::vector<uint8_t> out;
  long length;
  do {
    length = syscall(SYS_getdents64, directory, names.data(), names.size());
    if (length < 0) return in.MakeNumber(-errno);
    for (long at = 0; at < length;) {
      const LinuxDirent* entry = reinterpret_cast<const LinuxDirent*>(names.data() + at);
      at += entry->record_length;
      const int status = AppendEntry(directory, entry->name, &out);
      if (status < 0) return in.MakeNumber(status);
    }
  } while (length > 0 && out.empty());
  return in.MakeBuffer(out.data(), out.size());
}

}  // namespace

void RegisterFileCalls(Napi::Env env, Napi::Object exports) {
  const NamedCall calls[] = {{"openBeneath", OpenBeneath}, {"readDirectoryBatch", ReadDirectoryBatch}};
  ExportCalls(env, exports, calls);
}

}  // namespace stratafs
