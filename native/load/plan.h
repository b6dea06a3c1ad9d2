// Plan: what the load generator is asked to do, from its command line and standard input.
#ifndef STRATAFS_NATIVE_LOAD_PLAN_H_
#define STRATAFS_NATIVE_LOAD_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace stratafs::load {

struct Plan {
  std::string operation;
  // Every path is relative to it.
  std::string directory;
  unsigned threads = 1;
  // How often the list is worked through before anything is counted.
  unsigned rehearsals = 0;
  uint64_t seed = 1;
  // Bytes that a write of a new file writes.
  size_t size = 0;
  // How often each file is read at random.
  unsigned reads = 1;
  std::vector<std::string> paths;
};

// Reads the command line, and the paths from standard input, each ended by NUL. Ends the process with status
// 2 where it can't be understood.
Plan ReadPlan(int argc, char** argv);

}  // namespace stratafs::load

#endif  // STRATAFS_NATIVE_LOAD_PLAN_H_
