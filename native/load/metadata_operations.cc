// The operations on names and attributes: stat, lookup, missing, readdir.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "operation.h"

namespace stratafs::load {

namespace {

// lstat(2) of a whole path.
class Stat : public Operation {
 public:
  void Run(const std::string& path, Samples* samples) override {
    struct stat attributes;
    if (samples->Time([&] { return lstat(path.c_str(), &attributes); }) < 0) Fail("lstat", path);
  }
};

// Only the last component: its directory is already open. Paths of one directory must be adjacent.
class LastComponent : public Operation {
 public:
  ~LastComponent() override { Close(); }

  void Run(const std::string& path, Samples* samples) override {
    const size_t slash = path.rfind('/');
    const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash);
    const char* name = path.c_str() + (slash == std::string::npos ? 0 : slash + 1);
    if (parent != parent_) Open(parent);
    struct stat attributes;
    const int result =
        samples->Time([&] { return fstatat(directory_, name, &attributes, AT_SYMLINK_NOFOLLOW); });
    Judge(result, path);
  }

 protected:
  virtual void Judge(int result, const std::string& path) = 0;

 private:
  void Open(const std::string& parent) {
    Close();
    directory_ = open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory_ < 0) Fail("open", parent);
    parent_ = parent;
  }
  void Close() {
    if (directory_ >= 0) close(directory_);
    directory_ = -1;
  }

  int directory_ = -1;
  std::string parent_;
};

// fstatat(2) of an existing name.
class Lookup : public LastComponent {
 protected:
  void Judge(int result, const std::string& path) override {
    if (result < 0) Fail("fstatat", path);
  }
};

// fstatat(2) of a missing name.
class Missing : public LastComponent {
 protected:
  void Judge(int result, const std::string& path) override {
    if (result == 0) errno = EEXIST;
    if (errno != ENOENT) Fail("fstatat", path);
  }
};

// Opens, lists and closes a directory, like ls(1) without options.
class ReadDirectory : public Operation {
 public:
  void Run(const std::string& path, Samples* samples) override {
    const bool isListed = samples->Time([&] {
      DIR* const directory = opendir(path.c_str());
      if (directory == nullptr) return false;
      errno = 0;
      while (readdir(directory) != nullptr) {
      }
      const int error = errno;
      closedir(directory);
      errno = error;
      return error == 0;
    });
    if (!isListed) Fail("readdir", path);
  }
};

template <typename T>
std::unique_ptr<Operation> Make(const Plan&, unsigned) {
  return std::make_unique<T>();
}

}  // namespace

const std::vector<NamedOperation>& MetadataOperations() {
  static const std::vector<NamedOperation> operations = {
      {"stat", Make<Stat>},
      {"lookup", Make<Lookup>},
      {"missing", Make<Missing>},
      {"readdir", Make<ReadDirectory>},
  };
  return operations;
}

}  // namespace stratafs::load
