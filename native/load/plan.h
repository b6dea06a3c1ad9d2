// Plan: the task of the load generator, from its command line and standard input.
#ifndef STRATAFS_NATIVE_LOAD_PLAN_H_
#define STRATAFS_NATIVE_LOAD_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace stratafs::load {

struct Plan {
  std::string operation;
  // All paths are relative to it.
  std::string directory;
  unsigned threads = 1;
  // How often the list is processed before measuring.
  unsigned rehearsals = 0;
  uint64_t seed = 1;
  // Size of a new file in bytes.
  size_t size = 0;
  // Random reads per file.
  unsigned reads = 1;
  std::vector<std::string> paths;
  // The program and arguments that the operation "mount" runs, in `directory`; empty for other operations.
  std::vector<std::string> command;
};

// Prints how the program is used, and ends the process with status 2.
[[noreturn]] void EndWithUsage();

// Reads the command line, and the paths from standard input, each terminated by NUL. Ends the process with
// status 2 for wrong usage.
Plan ReadPlan(int argc, char** argv);

}  // namespace stratafs::load

#endif  // STRATAFS_NATIVE_LOAD_PLAN_H_
