// stratafs-launch PROGRAM ARGS...: starts a daemon and returns when it is ready.
//
// Between the two is the keeper (keeper.h), which stays for a mount that is to survive its daemon. The daemon
// runs in a session of its own. It inherits only the standard streams (its input is /dev/null) and, as
// descriptor 3, a socket to the launcher. STRATAFS_LAUNCHER is the launcher's process ID. Over the socket
// they agree who is responsible for the daemon, one byte each way:
//
//   daemon -> launcher:  'R', it is ready; the launcher answers 'T', taken, and exits with status 0.
//
// If the daemon ends first, the launcher exits with its status, which the keeper passes on. SIGINT, SIGTERM
// and SIGHUP close the socket, which makes the daemon undo everything; the launcher waits for it, and then
// dies of that signal. A second signal ends it at once.
//
// It doesn't use libstdc++, which takes longer to load than the launcher takes to run.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "daemon_start.h"
#include "keeper.h"

namespace stratafs {

namespace {

constexpr char kReady = 'R';
constexpr char kTaken = 'T';

volatile sig_atomic_t received = 0;

void OnSignal(int number) { received = number; }

// The socket must not get the number of a standard stream that is closed.
void OpenStandardStreams() {
  int fd;
  while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= STDERR_FILENO) {
  }
  if (fd >= 0) close(fd);
}

// The exit status for a daemon that ended before it was ready: that of its keeper.
int StatusOf(pid_t keeper) {
  int status = 0;
  while (waitpid(keeper, &status, 0) < 0)
    if (errno != EINTR) return FailStart("waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
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
[[noreturn]] void Abandon(int link, pid_t keeper, const sigset_t& mask) {
  const int number = received;
  for (int each : kEndSignals) signal(each, SIG_DFL);
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  close(link);
  int status;
  while (waitpid(keeper, &status, 0) < 0 && errno == EINTR) {
  }
  DieOf(number);
}

int Launch(char** command) {
  OpenStandardStreams();
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return FailStart("socketpair");
  // Blocked except during the wait, so that no signal arrives between the check and the wait.
  sigset_t blocked;
  sigset_t mask;
  sigemptyset(&blocked);
  for (int number : kEndSignals) sigaddset(&blocked, number);
  sigprocmask(SIG_BLOCK, &blocked, &mask);
  // write(2) reports that the socket was closed.
  signal(SIGPIPE, SIG_IGN);
  for (int number : kEndSignals) {
    struct sigaction action = {};
    sigaction(number, nullptr, &action);
    if (action.sa_handler == SIG_IGN) continue;  // nohup(1)
    action = {};
    action.sa_handler = OnSignal;
    sigaction(number, &action, nullptr);
    sigdelset(&mask, number);
  }
  DaemonStart start;
  start.command = command;
  start.mask = mask;
  start.launcher = getpid();
  start.launcher_link = ends[1];
  const pid_t keeper = fork();
  if (keeper < 0) return FailStart("fork");
  if (keeper == 0) {
    if (start.launcher_link != kLauncherLink) start.launcher_link = dup3(ends[1], kLauncherLink, O_CLOEXEC);
    CloseFrom(kLauncherLink + 1);
    RunKeeper(start);
  }
  close(ends[1]);
  if (AwaitReady(ends[0], mask)) {
    if (write(ends[0], &kTaken, 1) == 1) return 0;
  }
  if (received != 0) Abandon(ends[0], keeper, mask);
  return StatusOf(keeper);
}

}  // namespace

}  // namespace stratafs

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: stratafs-launch PROGRAM ARGS...\n");
    return 2;
  }
  return stratafs::Launch(argv + 1);
}
