// The operations on whole trees: walk, read-all, remove-tree.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "operation.h"

namespace stratafs::load {

namespace {

// The read size of cat and tar.
constexpr size_t kReadBytes = 128 * 1024;

struct Name {
  std::string name;
  // DT_DIR and its like; DT_UNKNOWN if the file system does not say.
  unsigned char type;
};

bool IsDotOrDotDot(const char* name) {
  return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

// All names of a directory but "." and "..".
std::vector<Name> List(DIR* directory, const std::string& path) {
  std::vector<Name> names;
  errno = 0;
  for (const dirent* entry; (entry = readdir(directory)) != nullptr;)
    if (!IsDotOrDotDot(entry->d_name)) names.push_back({entry->d_name, entry->d_type});
  if (errno != 0) Fail("readdir", path);
  return names;
}

// Everything beneath a directory, like `find -ls`: opens, lists and closes each directory, and calls lstat
// for each name. One sample per entry; that of a directory includes its listing.
class Walk : public Operation {
 public:
  bool IsWholeListEach() const override { return true; }
  size_t SamplesPerPath() const override { return 1 << 18; }
  void Run(const std::string& path, Samples* samples) override { Visit(AT_FDCWD, path, path, samples); }

 protected:
  // What else is done with a regular file; included in its sample.
  virtual void VisitFile(int /*parent*/, const std::string& /*name*/, const std::string& /*path*/, Samples*) {
  }

 private:
  void Visit(int parent, const std::string& name, const std::string& path, Samples* samples) {
    const uint64_t begin = Nanoseconds();
    struct stat attributes;
    if (fstatat(parent, name.c_str(), &attributes, AT_SYMLINK_NOFOLLOW) < 0) Fail("lstat", path);
    if (!S_ISDIR(attributes.st_mode)) {
      if (S_ISREG(attributes.st_mode)) VisitFile(parent, name, path, samples);
      return samples->Add(Nanoseconds() - begin);
    }
    const int fd = openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == EACCES) return samples->Add(Nanoseconds() - begin);
    DIR* const directory = fd < 0 ? nullptr : fdopendir(fd);
    if (directory == nullptr) Fail("opendir", path);
    const std::vector<Name> names = List(directory, path);
    const uint64_t listed = Nanoseconds() - begin;
    for (const Name& each : names) Visit(fd, each.name, path + "/" + each.name, samples);
    const uint64_t closing = Nanoseconds();
    closedir(directory);
    samples->Add(listed + Nanoseconds() - closing);
  }
};

// A walk that also reads each regular file to its end, like `tar -c`. Skips files that the user may not read.
class ReadAll : public Walk {
 public:
  ReadAll() : buffer_(kReadBytes, 1) {}

 protected:
  void VisitFile(int parent, const std::string& name, const std::string& path, Samples* samples) override {
    const int fd = openat(parent, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == EACCES) return;
    if (fd < 0) Fail("open", path);
    ssize_t count = 0;
    while ((count = read(fd, buffer_.data(), kReadBytes)) > 0)
      samples->AddBytes(static_cast<uint64_t>(count));
    if (count < 0) Fail("read", path);
    close(fd);
  }

 private:
  std::vector<char> buffer_;
};

// Removes a directory and everything beneath it, with the calls of `rm -rf`. One sample per entry; that of a
// directory includes its listing.
class RemoveTree : public Operation {
 public:
  size_t SamplesPerPath() const override { return 1 << 13; }
  void Run(const std::string& path, Samples* samples) override { Remove(AT_FDCWD, path, path, samples); }

 private:
  void Remove(int parent, const std::string& name, const std::string& path, Samples* samples) {
    const uint64_t begin = Nanoseconds();
    const int fd = openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR* const directory = fd < 0 ? nullptr : fdopendir(fd);
    if (directory == nullptr) Fail("opendir", path);
    const std::vector<Name> names = List(directory, path);
    const uint64_t listed = Nanoseconds() - begin;
    for (const Name& each : names) {
      const std::string below = path + "/" + each.name;
      if (IsDirectory(fd, each, below)) {
        Remove(fd, each.name, below, samples);
      } else if (samples->Time([&] { return unlinkat(fd, each.name.c_str(), 0); }) < 0) {
        Fail("unlink", below);
      }
    }
    const uint64_t closing = Nanoseconds();
    closedir(directory);
    if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) < 0) Fail("rmdir", path);
    samples->Add(listed + Nanoseconds() - closing);
  }

  static bool IsDirectory(int parent, const Name& entry, const std::string& path) {
    if (entry.type != DT_UNKNOWN) return entry.type == DT_DIR;
    struct stat attributes;
    if (fstatat(parent, entry.name.c_str(), &attributes, AT_SYMLINK_NOFOLLOW) < 0) Fail("lstat", path);
    return S_ISDIR(attributes.st_mode);
  }
};

template <typename T>
std::unique_ptr<Operation> Make(const Plan&, unsigned) {
  return std::make_unique<T>();
}

}  // namespace

const std::vector<NamedOperation>& TreeOperations() {
  static const std::vector<NamedOperation> operations = {
      {"walk", Make<Walk>},
      {"read-all", Make<ReadAll>},
      {"remove-tree", Make<RemoveTree>},
  };
  return operations;
}

}  // namespace stratafs::load
