#include "daemon_start.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

// Linux 5.9; the number is the same on all architectures. Older C libraries don't define it.
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

namespace stratafs {

namespace {

// Gives the descriptors their numbers: first numbers above all of these, so that none is overwritten.
void PlaceDescriptors(const DaemonStart& start) {
  const int from[] = {start.launcher_link, start.keeper_link, start.device, start.document};
  const int to[] = {kLauncherLink, kKeeperLink, kDevice, kDocument};
  int raised[4];
  for (int i = 0; i < 4; i++) raised[i] = from[i] < 0 ? -1 : fcntl(from[i], F_DUPFD, kDocument + 1);
  for (int i = 0; i < 4; i++) {
    if (raised[i] < 0)
      close(to[i]);
    else
      dup2(raised[i], to[i]);
  }
  CloseFrom(kDocument + 1);
}

void SetNumber(const char* name, long number) {
  char text[24];
  snprintf(text, sizeof(text), "%ld", number);
  setenv(name, text, 1);
}

void SetEnvironment(const DaemonStart& start) {
  // Node would parse these certificates at every start, which takes longer than a mount; the daemon doesn't
  // use TLS.
  unsetenv("NODE_EXTRA_CA_CERTS");
  unsetenv("STRATAFS_LAUNCHER");
  unsetenv("STRATAFS_RESTARTS");
  SetNumber("STRATAFS_KEEPER", start.keeper);
  if (start.launcher != 0) SetNumber("STRATAFS_LAUNCHER", start.launcher);
  if (start.device < 0) return;
  char text[64];
  const History& history = start.history;
  snprintf(text, sizeof(text), "%u %u %d", history.crashes, history.handovers, history.status);
  setenv("STRATAFS_RESTARTS", text, 1);
}

}  // namespace

int FailStart(const char* what) {
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

void BecomeDaemon(const DaemonStart& start) {
  setsid();
  PlaceDescriptors(start);
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null >= 0) {
    dup2(null, STDIN_FILENO);
    if (null != STDIN_FILENO) close(null);
  }
  for (int number : kEndSignals) signal(number, SIG_DFL);
  sigprocmask(SIG_SETMASK, &start.mask, nullptr);
  SetEnvironment(start);
  const char* program = start.command[0];
  char name[] = "stratafs";
  start.command[0] = name;
  execvp(program, start.command);
  FailStart(program);
  _exit(kExecFailed);
}

}  // namespace stratafs
