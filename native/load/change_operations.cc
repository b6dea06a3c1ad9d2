// The operations that write: copy-up, append, create, unlink, rename, untar.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "operation.h"

namespace stratafs::load {

namespace {

// The suffix of renamed files.
constexpr const char* kRenamed = ".renamed";
// 2023-11-14, set by untar as GNU tar would.
constexpr timespec kArchiveTime = {1700000000, 0};

// Opens a file for writing, overwrites its first byte and closes it, which makes a union file system copy it
// up.
class CopyUp : public Operation {
 public:
  void Run(const std::string& path, Samples* samples) override {
    const bool isWritten = samples->Time([&] {
      const int fd = open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
      return fd >= 0 && pwrite(fd, "x", 1, 0) == 1 && close(fd) == 0;
    });
    if (!isWritten) Fail("write", path);
  }
};

// Opens a file for writing at its end, writes one byte and closes it.
class Append : public Operation {
 public:
  void Run(const std::string& path, Samples* samples) override {
    const bool isWritten = samples->Time([&] {
      const int fd = open(path.c_str(), O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
      return fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0;
    });
    if (!isWritten) Fail("write", path);
  }
};

// Makes an empty file.
class Create : public Operation {
 public:
  void Run(const std::string& path, Samples* samples) override {
    const bool isMade = samples->Time([&] {
      const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
      return fd >= 0 && close(fd) == 0;
    });
    if (!isMade) Fail("create", path);
  }
};

class Unlink : public Operation {
 public:
  void Run(const std::string& path, Samples* samples) override {
    if (samples->Time([&] { return unlink(path.c_str()); }) < 0) Fail("unlink", path);
  }
};

class Rename : public Operation {
 public:
  void Run(const std::string& path, Samples* samples) override {
    const std::string target = path + kRenamed;
    if (samples->Time([&] { return rename(path.c_str(), target.c_str()); }) < 0) Fail("rename", path);
  }
};

// Makes directories (paths that end in a slash) and files of a given size, with the calls of `tar -x`, in a
// directory per thread.
class Untar : public Operation {
 public:
  Untar(const Plan& plan, unsigned thread)
      : root_("untar-" + std::to_string(thread) + "/"), content_(plan.size, 'x') {}
  bool IsWholeListEach() const override { return true; }
  void Prepare() override {
    if (mkdir(root_.c_str(), 0755) < 0 && errno != EEXIST) Fail("mkdir", root_);
  }
  void Run(const std::string& path, Samples* samples) override {
    const std::string full = root_ + path;
    const bool isDirectory = path.back() == '/';
    const bool isMade =
        samples->Time([&] { return isDirectory ? MakeDirectory(full.c_str()) : MakeFile(full.c_str()); });
    if (!isMade) Fail("untar", full);
    if (!isDirectory) samples->AddBytes(content_.size());
  }

 private:
  static bool SetTimes(int fd, const char* path) {
    const timespec times[2] = {{0, UTIME_OMIT}, kArchiveTime};
    return fd >= 0 ? futimens(fd, times) == 0 : utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) == 0;
  }
  static bool MakeDirectory(const char* path) {
    return mkdir(path, 0700) == 0 && SetTimes(-1, path) && chmod(path, 0755) == 0;
  }
  bool MakeFile(const char* path) const {
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd >= 0 && write(fd, content_.data(), content_.size()) == static_cast<ssize_t>(content_.size()) &&
           SetTimes(fd, path) && fchmod(fd, 0644) == 0 && close(fd) == 0;
  }

  std::string root_;
  std::string content_;
};

template <typename T>
std::unique_ptr<Operation> Make(const Plan&, unsigned) {
  return std::make_unique<T>();
}

}  // namespace

const std::vector<NamedOperation>& ChangeOperations() {
  static const std::vector<NamedOperation> operations = {
      {"copy-up", Make<CopyUp>},
      {"append", Make<Append>},
      {"create", Make<Create>},
      {"unlink", Make<Unlink>},
      {"rename", Make<Rename>},
      {"untar",
       [](const Plan& plan, unsigned thread) -> std::unique_ptr<Operation> {
         return std::make_unique<Untar>(plan, thread);
       }},
  };
  return operations;
}

}  // namespace stratafs::load
