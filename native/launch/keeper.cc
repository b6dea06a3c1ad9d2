#include "keeper.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace stratafs {

namespace {

constexpr int64_t kFirstDelay = 100;
constexpr int64_t kLongestDelay = 5000;
// How often the connection of a stopped daemon is looked at.
constexpr int64_t kStoppedInterval = 1000;
// A daemon that starts gives a sign of life in this time. One that does not may wait for itself, if a path
// that it needs leads into its own mount.
constexpr int64_t kStartLimit = 60'000;

int64_t Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * int64_t{1000} + now.tv_nsec / 1'000'000;
}

// Whether `path` is `mountpoint` or lies beneath it; both are absolute, without symlinks.
bool IsCovered(const char* path, const char* mountpoint) {
  const size_t length = strlen(mountpoint);
  if (strncmp(path, mountpoint, length) != 0) return false;
  return length == 1 || path[length] == '/' || path[length] == '\0';
}

class Keeper {
 public:
  explicit Keeper(const DaemonStart& start) : start_(start) {}

  [[noreturn]] void Run();

 private:
  bool IsKept() const { return start_.device >= 0; }
  bool IsStarting() const { return IsKept() && daemon_ > 0 && !is_serving_ && !is_stopped_; }
  // Starts the next daemon; ends the keeper if nobody uses the file system any more.
  void Start();
  // Milliseconds until something is due; -1: never.
  int Timeout() const;
  void OnSignal(int number);
  // False if there was none.
  bool OnMessage();
  void CloseLink();
  // False if it is not as it should be.
  bool TakeMount(const KeeperMessage& message, const int* descriptors);
  void BeginService();
  // What waitpid(2) reports of the daemon.
  void OnChange();
  void OnEnd(int status);
  void OnCrash(int status);
  // Counts a crash, and whether it is one too many.
  bool IsTooMany();
  // The connection is gone: unmounted or aborted.
  bool IsDisconnected() const;
  void Tell(char byte) const;
  void Detach() const;
  // Ends the keeper; the kernel then aborts the connection, if there is one.
  [[noreturn]] void End(int status) { _exit(status); }
  [[noreturn]] void GiveUp(const char* why);

  DaemonStart start_;
  int signals_ = -1;
  int link_ = -1;
  pid_t daemon_ = 0;
  bool is_serving_ = false;
  bool is_ending_ = false;
  bool is_stopped_ = false;
  // When the daemon gave the last sign of life while it started.
  int64_t heard_ = 0;
  // When the daemon began to serve, and how long those before it did.
  int64_t serving_since_ = 0;
  int64_t served_ = 0;
  // When the next daemon is due, while there is none.
  int64_t due_ = 0;
  int64_t delay_ = 0;
  KeeperMessage kept_ = {};
  char directory_[PATH_MAX] = "";
  char mountpoint_[PATH_MAX] = "";
  // In milliseconds of service.
  int64_t crash_times_[kMostCrashes];
  uint32_t crash_count_ = 0;
};

void Keeper::Run() {
  prctl(PR_SET_NAME, "stratafs-keeper");
  setsid();
  if (getcwd(directory_, sizeof(directory_)) == nullptr) directory_[0] = '\0';
  start_.keeper = getpid();
  sigset_t watched;
  sigemptyset(&watched);
  sigaddset(&watched, SIGCHLD);
  signal(SIGCHLD, SIG_DFL);
  for (int number : kEndSignals) {
    struct sigaction action = {};
    sigaction(number, nullptr, &action);
    if (action.sa_handler != SIG_IGN) signal(number, SIG_DFL);  // nohup(1)
    sigaddset(&watched, number);
  }
  sigprocmask(SIG_BLOCK, &watched, nullptr);
  signals_ = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals_ < 0) End(FailStart("signalfd"));
  Start();
  for (;;) {
    pollfd entries[] = {{signals_, POLLIN, 0}, {link_, POLLIN, 0}, {-1, 0, 0}};
    // Only while there is no daemon: each request wakes all who poll the device.
    if (daemon_ == 0) entries[2].fd = start_.device;
    if (poll(entries, 3, Timeout()) < 0 && errno != EINTR) End(EXIT_FAILURE);
    if (entries[2].revents != 0) End(EXIT_SUCCESS);
    // Messages first: one that was sent before the daemon ended counts.
    if (entries[1].revents != 0) OnMessage();
    signalfd_siginfo signal;
    while (read(signals_, &signal, sizeof(signal)) == sizeof(signal))
      OnSignal(static_cast<int>(signal.ssi_signo));
    if (daemon_ == 0 && Now() >= due_) Start();
    if (is_stopped_ && IsDisconnected()) kill(daemon_, SIGKILL);
    if (IsStarting() && Now() >= heard_ + kStartLimit) {
      heard_ = Now();
      kill(daemon_, SIGKILL);
    }
  }
}

void Keeper::Start() {
  if (IsKept() && IsDisconnected()) End(EXIT_SUCCESS);
  is_serving_ = is_ending_ = is_stopped_ = false;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
    if (!IsKept()) End(FailStart("socketpair"));
    OnCrash(kExecFailed << 8);
    return;
  }
  heard_ = Now();
  start_.keeper_link = ends[1];
  daemon_ = fork();
  if (daemon_ == 0) {
    // A directory that the mount covers is looked up in the mount, which nobody serves.
    if (IsKept() && (IsCovered(directory_, mountpoint_) || chdir(directory_) < 0) && chdir("/") < 0)
      _exit(kExecFailed);
    BecomeDaemon(start_);
  }
  const int error = errno;
  close(ends[1]);
  if (start_.launcher_link >= 0) close(start_.launcher_link);
  start_.launcher_link = -1;
  link_ = ends[0];
  if (daemon_ > 0) return;
  CloseLink();
  errno = error;
  if (!IsKept()) End(FailStart("fork"));
  OnCrash(kExecFailed << 8);
}

int Keeper::Timeout() const {
  if (daemon_ == 0 || IsStarting()) {
    const int64_t left = (daemon_ == 0 ? due_ : heard_ + kStartLimit) - Now();
    return static_cast<int>(left > 0 ? left : 0);
  }
  return is_stopped_ ? static_cast<int>(kStoppedInterval) : -1;
}

void Keeper::OnSignal(int number) {
  if (number == SIGCHLD) return OnChange();
  if (!IsKept()) {
    if (daemon_ > 0) kill(daemon_, number);
    return;
  }
  if (daemon_ > 0) {
    // Until the daemon says that it serves, or stays mounted: it may die before it reads the byte.
    if (number != SIGHUP) is_ending_ = true;
    return Tell(number == SIGHUP ? 'U' : 'E');
  }
  if (number == SIGHUP) return;
  Detach();
  End(EXIT_SUCCESS);
}

void Keeper::Tell(char byte) const {
  // If it fails, the daemon is ending.
  send(link_, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool Keeper::OnMessage() {
  if (link_ < 0) return false;
  KeeperMessage message = {};
  iovec parts[] = {{&message, sizeof(message)}, {mountpoint_, sizeof(mountpoint_) - 1}};
  int descriptors[2] = {-1, -1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(descriptors))];
  msghdr header = {};
  header.msg_iov = parts;
  header.msg_iovlen = IsKept() ? 1 : 2;
  header.msg_control = control;
  header.msg_controllen = sizeof(control);
  const ssize_t length = recvmsg(link_, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (length < 0 && (errno == EINTR || errno == EAGAIN)) return false;
  if (length < static_cast<ssize_t>(sizeof(message))) {
    // The daemon has closed it: SIGCHLD follows.
    CloseLink();
    return false;
  }
  const cmsghdr* rights = CMSG_FIRSTHDR(&header);
  if (rights != nullptr && rights->cmsg_type == SCM_RIGHTS &&
      rights->cmsg_len == CMSG_LEN(sizeof(descriptors)))
    memcpy(descriptors, CMSG_DATA(rights), sizeof(descriptors));
  switch (message.kind) {
    case 'K':
      // A mount that can't be taken ends with its daemon.
      if (length != static_cast<ssize_t>(sizeof(message) + message.path_length) ||
          !TakeMount(message, descriptors))
        End(EXIT_FAILURE);
      break;
    case 'P':
      heard_ = Now();
      break;
    case 'N':
      End(EXIT_SUCCESS);
    case 'E':
      is_ending_ = true;
      break;
    case 'S':
      is_ending_ = false;
      BeginService();
      break;
  }
  return true;
}

void Keeper::CloseLink() {
  if (link_ >= 0) close(link_);
  link_ = -1;
}

bool Keeper::TakeMount(const KeeperMessage& message, const int* descriptors) {
  if (IsKept() || descriptors[0] < 0 || descriptors[1] < 0) return false;
  mountpoint_[message.path_length] = '\0';
  kept_ = message;
  if (kept_.crashes > kMostCrashes) kept_.crashes = kMostCrashes;
  start_.launcher = 0;
  start_.device = descriptors[0];
  start_.document = descriptors[1];
  BeginService();
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (chdir("/") < 0 || null < 0) return false;
  const char* debug = getenv("DEBUG");
  const int last = debug != nullptr && debug[0] != '\0' ? STDOUT_FILENO : STDERR_FILENO;
  for (int fd = STDIN_FILENO; fd <= last; fd++) dup2(null, fd);
  close(null);
  return true;
}

void Keeper::BeginService() {
  if (is_serving_) return;
  is_serving_ = true;
  serving_since_ = Now();
  delay_ = 0;
}

void Keeper::OnChange() {
  int status = 0;
  while (daemon_ > 0 && waitpid(daemon_, &status, WNOHANG | WUNTRACED | WCONTINUED) == daemon_) {
    if (WIFSTOPPED(status)) {
      is_stopped_ = IsKept();
    } else if (WIFCONTINUED(status)) {
      is_stopped_ = false;
    } else {
      OnEnd(status);
      return;
    }
  }
}

void Keeper::OnEnd(int status) {
  // What it said last.
  while (OnMessage()) {
  }
  CloseLink();
  daemon_ = 0;
  is_stopped_ = false;
  if (is_serving_) served_ += Now() - serving_since_;
  if (!IsKept()) {
    if (WIFEXITED(status)) End(WEXITSTATUS(status));
    fprintf(stderr, "stratafs: the daemon ended before the mount answered (%s)\n",
            strsignal(WTERMSIG(status)));
    End(EXIT_FAILURE);
  }
  if (IsDisconnected() || (WIFEXITED(status) && WEXITSTATUS(status) == 0)) End(EXIT_SUCCESS);
  if (WIFEXITED(status) && WEXITSTATUS(status) == kHopeless) GiveUp("its daemon can't take the mount over");
  const bool was_told = WIFSIGNALED(status) && (WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGINT);
  if (was_told || is_ending_) {
    Detach();
    End(EXIT_SUCCESS);
  }
  start_.history.status = status;
  if (WIFEXITED(status) && WEXITSTATUS(status) == kHandOver) {
    start_.history.handovers++;
    due_ = Now();
    return;
  }
  OnCrash(status);
}

void Keeper::OnCrash(int status) {
  daemon_ = 0;
  start_.history.status = status;
  start_.history.crashes++;
  if (IsTooMany()) GiveUp("its daemon has died too often");
  // One that had served is replaced at once.
  due_ = Now() + (is_serving_ ? 0 : delay_);
  if (!is_serving_) {
    delay_ = delay_ == 0 ? kFirstDelay : delay_ * 2;
    if (delay_ > kLongestDelay) delay_ = kLongestDelay;
  }
}

bool Keeper::IsTooMany() {
  uint32_t recent = 0;
  for (uint32_t i = 0; i < crash_count_; i++)
    if (served_ - crash_times_[i] < kept_.seconds * int64_t{1000}) crash_times_[recent++] = crash_times_[i];
  crash_times_[recent++] = served_;
  crash_count_ = recent;
  return recent >= kept_.crashes;
}

bool Keeper::IsDisconnected() const {
  pollfd entry = {start_.device, 0, 0};
  return poll(&entry, 1, 0) == 1;
}

void Keeper::Detach() const {
  // Without asking the file system, which nobody serves.
  struct statx found = {};
  constexpr int kUnasked = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
  if (statx(AT_FDCWD, mountpoint_, kUnasked, STATX_TYPE, &found) < 0) return;
  if (found.stx_dev_major != kept_.major || found.stx_dev_minor != kept_.minor) return;
  if (geteuid() == 0 && umount2(mountpoint_, MNT_DETACH | UMOUNT_NOFOLLOW) == 0) return;
  const pid_t helper = fork();
  if (helper == 0) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    execlp("fusermount3", "fusermount3", "-u", "-z", "--", mountpoint_, nullptr);
    _exit(kExecFailed);
  }
  while (helper > 0 && waitpid(helper, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void Keeper::GiveUp(const char* why) {
  openlog("stratafs", LOG_PID, LOG_DAEMON);
  syslog(LOG_ERR, "%s: the mount ends: %s (%u times; last wait status %#x)", mountpoint_, why,
         start_.history.crashes, static_cast<unsigned>(start_.history.status));
  End(EXIT_FAILURE);
}

}  // namespace

void RunKeeper(DaemonStart start) { Keeper(start).Run(); }

}  // namespace stratafs
