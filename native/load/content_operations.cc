// The operations that read files: open, sequential, random, map.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <random>

#include "operation.h"

namespace stratafs::load {

namespace {

// The read size of cat and tar.
constexpr size_t kReadBytes = 128 * 1024;
constexpr size_t kPageBytes = 4096;

class Reader : public Operation {
 public:
  Reader() : buffer_(kReadBytes, 1) {}

 protected:
  static int Open(const std::string& path) { return open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC); }
  char* buffer() { return buffer_.data(); }

 private:
  std::vector<char> buffer_;
};

// Opens, reads and closes a whole file.
class OpenReadClose : public Reader {
 public:
  void Run(const std::string& path, Samples* samples) override {
    const int64_t bytes = samples->Time([&]() -> int64_t {
      const int fd = Open(path);
      if (fd < 0) return -1;
      int64_t total = 0;
      ssize_t count = 0;
      while ((count = read(fd, buffer(), kReadBytes)) > 0) total += count;
      const int error = errno;
      close(fd);
      errno = error;
      return count < 0 ? -1 : total;
    });
    if (bytes < 0) Fail("read", path);
    samples->AddBytes(static_cast<uint64_t>(bytes));
  }
};

// Reads a file sequentially; a sample is one read(2).
class SequentialRead : public Reader {
 public:
  size_t SamplesPerPath() const override { return 64; }
  void Run(const std::string& path, Samples* samples) override {
    const int fd = Open(path);
    struct stat attributes;
    if (fd < 0 || fstat(fd, &attributes) < 0) Fail("open", path);
    for (off_t at = 0; at < attributes.st_size;) {
      const ssize_t count = samples->Time([&] { return read(fd, buffer(), kReadBytes); });
      if (count == 0) errno = ENODATA;
      if (count <= 0) Fail("read", path);
      at += count;
      samples->AddBytes(static_cast<uint64_t>(count));
    }
    close(fd);
  }
};

// Reads a page of a file at a random place (from the seed), as often as the plan says; a sample is one
// pread(2).
class RandomRead : public Reader {
 public:
  RandomRead(const Plan& plan, unsigned thread) : reads_(plan.reads), random_(plan.seed + thread) {}
  size_t SamplesPerPath() const override { return reads_; }
  void Run(const std::string& path, Samples* samples) override {
    const int fd = Open(path);
    struct stat attributes;
    if (fd < 0 || fstat(fd, &attributes) < 0) Fail("open", path);
    const uint64_t pages = static_cast<uint64_t>(attributes.st_size) / kPageBytes;
    for (unsigned n = 0; n < reads_ && pages > 0; n++) {
      const off_t offset = static_cast<off_t>(random_() % pages * kPageBytes);
      const ssize_t count = samples->Time([&] { return pread(fd, buffer(), kPageBytes, offset); });
      if (count < 0) Fail("pread", path);
      samples->AddBytes(static_cast<uint64_t>(count));
    }
    close(fd);
  }

 private:
  unsigned reads_;
  std::mt19937_64 random_;
};

// Opens a file, maps it as execve(2) maps a program, touches each page, unmaps and closes it.
class MapExecutable : public Reader {
 public:
  void Run(const std::string& path, Samples* samples) override {
    const int64_t bytes = samples->Time([&] { return MapAndTouch(path); });
    if (bytes < 0) Fail("mmap", path);
    samples->AddBytes(static_cast<uint64_t>(bytes));
  }

 private:
  static int64_t MapAndTouch(const std::string& path) {
    const int fd = Open(path);
    struct stat attributes;
    if (fd < 0 || fstat(fd, &attributes) < 0) return -1;
    const size_t size = static_cast<size_t>(attributes.st_size);
    void* const start = mmap(nullptr, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    if (start == MAP_FAILED) return -1;
    const volatile char* const bytes = static_cast<const volatile char*>(start);
    for (size_t at = 0; at < size; at += kPageBytes) static_cast<void>(bytes[at]);
    munmap(start, size);
    close(fd);
    return static_cast<int64_t>(size);
  }
};

template <typename T>
std::unique_ptr<Operation> Make(const Plan&, unsigned) {
  return std::make_unique<T>();
}

}  // namespace

const std::vector<NamedOperation>& ContentOperations() {
  static const std::vector<NamedOperation> operations = {
      {"open-read-close", Make<OpenReadClose>},
      {"sequential-read", Make<SequentialRead>},
      {"random-read",
       [](const Plan& plan, unsigned thread) -> std::unique_ptr<Operation> {
         return std::make_unique<RandomRead>(plan, thread);
       }},
      {"map-exec", Make<MapExecutable>},
  };
  return operations;
}

}  // namespace stratafs::load
