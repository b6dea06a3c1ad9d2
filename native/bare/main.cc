// stratafs-bare TABLE PLACE UNSUPPORTED_XATTR: the bare loop, a contender of `stratafs bench`. It mounts the
// Tree's table (src/tree/layout.ts) in the file TABLE read-only on PLACE with mount(2), which needs root.
// Then it loops on one thread: read(2), an answer from memory, write(2). That is the cost of a mount without
// Node, an event loop or a change of threads. It polls busily like the channel (busy_poll.h).
//
// After INIT it goes to the background and its foreground process exits with status 0; it serves until it is
// unmounted. PLACE may be /dev/fd/N, as in libfuse: it then serves the open connection in the foreground
// until that ends. UNSUPPORTED_XATTR: see MountFacts in fast_answer.h. A failure is one line and status 1.
#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "bare_answers.h"
#include "busy_poll.h"
#include "tree_check.h"
#include "tree_table.h"

namespace stratafs::bare {

namespace {

constexpr char kDevice[] = "/dev/fuse";
constexpr char kType[] = "fuse.stratafs-bare";
constexpr std::string_view kOpenConnection = "/dev/fd/";

[[noreturn]] void Fail(const char* what, const char* path) {
  fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
  exit(EXIT_FAILURE);
}

uint64_t Nanoseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// Memory that is aligned to 8 bytes.
class Bytes {
 public:
  explicit Bytes(size_t size) : words_((size + 7) / 8), size_(size) {}
  uint8_t* get() { return reinterpret_cast<uint8_t*>(words_.data()); }
  size_t size() const { return size_; }

 private:
  std::vector<uint64_t> words_;
  size_t size_;
};

// Read, not mapped, so that dropping caches doesn't evict it.
Bytes ReadWhole(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat found;
  if (fd < 0 || fstat(fd, &found) < 0) Fail("open", path);
  Bytes bytes(static_cast<size_t>(found.st_size));
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t n = read(fd, bytes.get() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) errno = EIO;  // it has become shorter
    if (n <= 0) Fail("read", path);
    done += static_cast<size_t>(n);
  }
  close(fd);
  return bytes;
}

// A new connection, mounted as in src/fuse/mounts/kernel-mount.ts.
int Attach(const char* place) {
  const int device = open(kDevice, O_RDWR | O_CLOEXEC);
  if (device < 0) Fail("open", kDevice);
  const std::string options =
      "fd=" + std::to_string(device) + ",rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other";
  if (mount("bare-loop", place, kType, MS_RDONLY | MS_NOSUID | MS_NODEV, options.c_str()) < 0) {
    Fail("mount", place);
  }
  return device;
}

class Loop {
 public:
  Loop(int device, BareAnswers* answers)
      : device_(device), answers_(answers), request_(kMessageSize), reply_(kMessageSize) {
    fcntl(device_, F_SETFL, fcntl(device_, F_GETFL) | O_NONBLOCK);
  }

  // Serves while the state is `state`: 0 when it has changed or the connection has ended, or an errno.
  int RunWhile(BareAnswers::State state) {
    while (answers_->state() == state) {
      const ssize_t n = read(device_, request_.get(), request_.size());
      if (n > 0) {
        busy_poll_.End(Nanoseconds());
        if (Answer(static_cast<size_t>(n))) {
          busy_poll_.Begin(Nanoseconds());
        } else {
          busy_poll_.Cancel();
        }
        continue;
      }
      if (n == 0) return 0;
      // ENOENT: the request was interrupted before it was read.
      if (errno == EINTR || errno == ENOENT) continue;
      if (errno == ENODEV || errno == ECONNABORTED) return 0;
      if (errno != EAGAIN) return errno;
      if (!busy_poll_.GoesOn(Nanoseconds())) Sleep();
    }
    return 0;
  }

 private:
  // True if an answer was due. If a write fails, the next read reports the reason and ends the connection.
  bool Answer(size_t length) {
    const size_t size = answers_->Answer(request_.get(), length, reply_.get());
    if (size == 0) return false;
    while (write(device_, reply_.get(), size) < 0 && errno == EINTR) {
    }
    return true;
  }

  void Sleep() {
    pollfd entry = {device_, POLLIN, 0};
    poll(&entry, 1, -1);
    busy_poll_.Cancel();
  }

  int device_;
  BareAnswers* answers_;
  Bytes request_;
  Bytes reply_;
  BusyPoll busy_poll_;
};

// Ends this process and continues in a child, which has a session and standard streams of its own.
void GoToBackground() {
  const pid_t child = fork();
  if (child < 0) Fail("fork", "stratafs-bare");
  if (child > 0) _exit(EXIT_SUCCESS);
  setsid();
  if (chdir("/") < 0) Fail("chdir", "/");
  const int null = open("/dev/null", O_RDWR);
  if (null < 0) Fail("open", "/dev/null");
  for (int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, stream);
  if (null > STDERR_FILENO) close(null);
}

}  // namespace

int Main(int argc, char** argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: stratafs-bare TABLE PLACE UNSUPPORTED_XATTR\n");
    return 2;
  }
  const char* path = argv[1];
  const std::string_view place = argv[2];
  Bytes bytes = ReadWhole(path);
  TreeTable table;
  if (!table.Open(bytes.get(), bytes.size())) {
    fprintf(stderr, "%s: found no table of a tree\n", path);
    return EXIT_FAILURE;
  }
  if (const TableFault fault = CheckTree(table)) {
    fprintf(stderr, "%s: the table is damaged: %s (%zu)\n", path, fault.rule, fault.entry);
    return EXIT_FAILURE;
  }
  BareAnswers answers(table, argv[3]);
  const bool is_open = place.substr(0, kOpenConnection.size()) == kOpenConnection;
  Loop loop(is_open ? atoi(argv[2] + kOpenConnection.size()) : Attach(argv[2]), &answers);
  int error = loop.RunWhile(BareAnswers::State::kNegotiating);
  if (error == 0 && answers.state() != BareAnswers::State::kServing) {
    fprintf(stderr, "%s: the kernel is too old, or it was unmounted before it answered\n", argv[2]);
    return EXIT_FAILURE;
  }
  if (error == 0) {
    if (!is_open) GoToBackground();
    error = loop.RunWhile(BareAnswers::State::kServing);
  }
  if (error == 0) return EXIT_SUCCESS;
  errno = error;
  Fail("read", argv[2]);
}

}  // namespace stratafs::bare

int main(int argc, char** argv) { return stratafs::bare::Main(argc, argv); }
