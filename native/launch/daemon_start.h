// The start of a daemon: the descriptors and the environment that it gets.
#ifndef STRATAFS_NATIVE_DAEMON_START_H_
#define STRATAFS_NATIVE_DAEMON_START_H_

#include <signal.h>
#include <sys/types.h>

namespace stratafs {

// Descriptors of the daemon, beside the standard streams. All others are closed.
constexpr int kLauncherLink = 3;
constexpr int kKeeperLink = 4;
constexpr int kDevice = 5;
constexpr int kDocument = 6;
constexpr int kExecFailed = 127;

// The signals that end a command or a mount.
constexpr int kEndSignals[] = {SIGINT, SIGTERM, SIGHUP};

// How the daemons before this one ended.
struct History {
  unsigned crashes = 0;
  unsigned handovers = 0;
  // Of the last one, as waitpid(2) has it.
  int status = 0;
};

struct DaemonStart {
  char** command = nullptr;
  sigset_t mask = {};
  pid_t keeper = 0;
  int keeper_link = -1;
  // Of the first daemon of a mount.
  pid_t launcher = 0;
  int launcher_link = -1;
  // Of the next ones: the FUSE device, and what the first one wrote down (src/mount/keeper/document.ts).
  int device = -1;
  int document = -1;
  History history;
};

// Prints why the daemon can't be started, from errno, and returns EXIT_FAILURE.
int FailStart(const char* what);

// Closes all descriptors from `first` on.
void CloseFrom(unsigned first);

// Becomes the daemon. To be called in a child.
[[noreturn]] void BecomeDaemon(const DaemonStart& start);

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_DAEMON_START_H_
