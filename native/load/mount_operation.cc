// The operation "mount": starts the plan's command, which mounts, waits for its end, and lists the mount
// point.
#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>

#include "operation.h"

extern char** environ;

namespace stratafs::load {

namespace {

// SIGTERM is held back while it exists: the command has then mounted or failed, and the caller of this
// program knows what to unmount.
class HeldTermination {
 public:
  HeldTermination() {
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &held, &before_);
  }
  ~HeldTermination() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  const sigset_t& before() const { return before_; }

 private:
  sigset_t before_;
};

// Each path is the mount point of the command; it does not belong to the plan's directory, in which the
// command runs. A sample is the time from the start of the command to the end of the listing.
class Mount : public Operation {
 public:
  explicit Mount(const Plan& plan) {
    for (const std::string& argument : plan.command) argv_.push_back(const_cast<char*>(argument.c_str()));
    argv_.push_back(nullptr);
  }

  void Run(const std::string& path, Samples* samples) override {
    if (argv_.size() < 2) EndWithUsage();
    const bool isListed = samples->Time([&] {
      RunCommand();
      DIR* const directory = opendir(path.c_str());
      if (directory == nullptr) return false;
      while (readdir(directory) != nullptr) {
      }
      return closedir(directory) == 0;
    });
    if (!isListed) Fail("opendir", path);
  }

 private:
  // Its standard output goes to standard error: this program's output is the answer.
  void RunCommand() {
    const HeldTermination termination;
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &termination.before());
    pid_t child = -1;
    const int error = posix_spawnp(&child, argv_[0], &files, &attributes, argv_.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    errno = error;
    if (error != 0) Fail("exec", argv_[0]);
    int status = 0;
    if (waitpid(child, &status, 0) < 0) Fail("waitpid", argv_[0]);
    if (status == 0) return;
    fprintf(stderr, "%s ended with %s %d\n", argv_[0], WIFSIGNALED(status) ? "signal" : "status",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    _exit(1);
  }

  std::vector<char*> argv_;
};

}  // namespace

const std::vector<NamedOperation>& MountOperations() {
  static const std::vector<NamedOperation> operations = {
      {"mount",
       [](const Plan& plan, unsigned) -> std::unique_ptr<Operation> {
         return std::make_unique<Mount>(plan);
       }},
  };
  return operations;
}

}  // namespace stratafs::load
