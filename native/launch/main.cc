// stratafs-launch PROGRAM ARGS...: starts a daemon and returns when it is ready.
//
// The daemon runs in a session of its own. It inherits only the standard streams (its input is /dev/null)
// and, as descriptor 3, a socket to the launcher. STRATAFS_LAUNCHER is the launcher's process ID. Over the
// socket they agree who is responsible for the daemon, one byte each way:
//
//   daemon -> launcher:  'R', it is ready; the launcher answers 'T', taken, and exits with status 0.
//
// If the daemon ends first, the launcher exits with its status. SIGINT, SIGTERM and SIGHUP close the socket,
// which makes the daemon undo everything; the launcher waits for it, and then dies of that signal. A second
// signal ends it at once.
//
// It doesn't use libstdc++, which takes longer to load than the launcher takes to run.
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

// Linux 5.9; the number is the same on all architectures. Older C libraries don't define it.
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

namespace {

constexpr int kLink = 3;
constexpr char kReady = 'R';
constexpr char kTaken = 'T';
constexpr int kExecFailed = 127;
constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};

volatile sig_atomic_t received = 0;

void OnSignal(int number) { received = number; }

int Fail(const char* what) {
  fprintf(stderr, "stratafs: the daemon can't be started: %s: %s\n", what, strerror(errno));
  return EXIT_FAILURE;
}

void CloseFrom(unsigned first) {
  if (syscall(SYS_close_range, first, ~0U, 0) == 0) return;
  // The kernel lists them in ascending order, so closing one doesn't disturb the listing.
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return;
  while (const dirent* entry = readdir(directory)) {
    const int fd = atoi(entry->d_name);
    if (fd >= static_cast<int>(first) && fd != dirfd(directory)) close(fd);
  }
  closedir(directory);
}

// The socket must not get the number of a standard stream that is closed.
void OpenStandardStreams() {
  int fd;
  while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= STDERR_FILENO) {
  }
  if (fd >= 0) close(fd);
}

// In the child; `link` is its end of the socket.
[[noreturn]] void BecomeDaemon(pid_t launcher, int link, char** command, const sigset_t& mask) {
  setsid();
  if (link == kLink)
    fcntl(link, F_SETFD, 0);
  else
    dup2(link, kLink);
  CloseFrom(kLink + 1);
  const int null = open("/dev/null", O_RDONLY);
  if (null >= 0) {
    dup2(null, STDIN_FILENO);
    if (null != STDIN_FILENO) close(null);
  }
  for (int number : kSignals) signal(number, SIG_DFL);
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  char pid[16];
  snprintf(pid, sizeof(pid), "%d", launcher);
  setenv("STRATAFS_LAUNCHER", pid, 1);
  // Node would parse these certificates at every start, which takes longer than a mount; the daemon doesn't
  // use TLS.
  unsetenv("NODE_EXTRA_CA_CERTS");
  const char* program = command[0];
  char name[] = "stratafs";
  command[0] = name;
  execvp(program, command);
  command[0] = const_cast<char*>(program);
  Fail(program);
  _exit(kExecFailed);
}

// The exit status for a daemon that ended before it was ready.
int StatusOf(pid_t daemon) {
  int status = 0;
  while (waitpid(daemon, &status, 0) < 0)
    if (errno != EINTR) return Fail("waitpid");
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  fprintf(stderr, "stratafs: the daemon ended before the mount answered (%s)\n", strsignal(WTERMSIG(status)));
  return EXIT_FAILURE;
}

// True when the daemon is ready; false if its end of the socket was closed, or a signal arrived.
bool AwaitReady(int link, const sigset_t& mask) {
  pollfd entry = {link, POLLIN, 0};
  for (;;) {
    if (received != 0) return false;
    if (ppoll(&entry, 1, nullptr, &mask) < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    char said = 0;
    return read(link, &said, 1) == 1 && said == kReady;
  }
}

[[noreturn]] void DieOf(int number) {
  signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  raise(number);
  _exit(128 + number);
}

// Closes the socket and waits until the daemon has undone everything.
[[noreturn]] void Abandon(int link, pid_t daemon, const sigset_t& mask) {
  const int number = received;
  for (int each : kSignals) signal(each, SIG_DFL);
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  close(link);
  int status;
  while (waitpid(daemon, &status, 0) < 0 && errno == EINTR) {
  }
  DieOf(number);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: stratafs-launch PROGRAM ARGS...\n");
    return 2;
  }
  OpenStandardStreams();
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return Fail("socketpair");
  // Blocked except during the wait, so that no signal arrives between the check and the wait.
  sigset_t blocked;
  sigset_t mask;
  sigemptyset(&blocked);
  for (int number : kSignals) sigaddset(&blocked, number);
  sigprocmask(SIG_BLOCK, &blocked, &mask);
  // write(2) reports that the socket was closed.
  signal(SIGPIPE, SIG_IGN);
  for (int number : kSignals) {
    struct sigaction action = {};
    sigaction(number, nullptr, &action);
    if (action.sa_handler == SIG_IGN) continue;  // nohup(1)
    action = {};
    action.sa_handler = OnSignal;
    sigaction(number, &action, nullptr);
    sigdelset(&mask, number);
  }
  const pid_t launcher = getpid();
  const pid_t daemon = fork();
  if (daemon < 0) return Fail("fork");
  if (daemon == 0) BecomeDaemon(launcher, ends[1], argv + 1, mask);
  close(ends[1]);
  if (AwaitReady(ends[0], mask)) {
    if (write(ends[0], &kTaken, 1) == 1) return 0;
  }
  if (received != 0) Abandon(ends[0], daemon, mask);
  return StatusOf(daemon);
}
