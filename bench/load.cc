// The load of the bars that a shell's tools would be too slow to make: stat, read or look up each of many
// paths.
//
// usage: load stat|read|missing ROOT < PATHS, which are relative to ROOT and end in NUL each.
// Prints the nanoseconds that the system calls took, nothing else counted, then how many paths and bytes
// there were. Whatever fails ends it with status 1; under "missing" what doesn't fail with ENOENT does.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

namespace {

// As much as cat and tar read at once.
constexpr size_t kReadBytes = 128 * 1024;

uint64_t Nanoseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
}

// Bytes read, or -1 with errno.
int64_t ReadWhole(const char *path) {
  static char buffer[kReadBytes];
  const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return -1;
  int64_t total = 0;
  ssize_t count = 0;
  while ((count = read(fd, buffer, sizeof buffer)) > 0) total += count;
  close(fd);
  return count < 0 ? -1 : total;
}

int64_t Act(const std::string &action, const char *path) {
  struct stat attributes;
  if (action == "read") return ReadWhole(path);
  const int result = lstat(path, &attributes);
  if (action == "stat") return result;
  if (result == 0) errno = EEXIST;
  return result < 0 && errno == ENOENT ? 0 : -1;
}

}  // namespace

int main(int argc, char **argv) {
  const std::string action = argc == 3 ? argv[1] : "";
  if (action != "stat" && action != "read" && action != "missing") {
    fprintf(stderr, "usage: load stat|read|missing ROOT < PATHS\n");
    return 2;
  }
  std::string names;
  char chunk[65536];
  size_t got = 0;
  while ((got = fread(chunk, 1, sizeof chunk, stdin)) > 0) names.append(chunk, got);
  if (chdir(argv[2]) != 0) {
    perror(argv[2]);
    return 1;
  }
  std::vector<const char *> paths;
  for (size_t at = 0; at < names.size(); at += strlen(&names[at]) + 1) paths.push_back(&names[at]);

  int64_t bytes = 0;
  const uint64_t begin = Nanoseconds();
  for (const char *path : paths) {
    const int64_t result = Act(action, path);
    if (result < 0) {
      perror(path);
      return 1;
    }
    bytes += result;
  }
  const uint64_t elapsed = Nanoseconds() - begin;
  printf("%llu %zu %lld\n", static_cast<unsigned long long>(elapsed), paths.size(),
         static_cast<long long>(bytes));
  return 0;
}
