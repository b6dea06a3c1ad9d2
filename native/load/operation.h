// Operation: the work of one thread of the load generator on each path, and its samples.
#ifndef STRATAFS_NATIVE_LOAD_OPERATION_H_
#define STRATAFS_NATIVE_LOAD_OPERATION_H_

#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "plan.h"

namespace stratafs::load {

inline uint64_t Nanoseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
}

// Ends the process with status 1 and the line "CALL PATH: error".
[[noreturn]] void Fail(const char* call, const std::string& path);

// The latencies of one thread, in nanoseconds, in order.
class Samples {
 public:
  // Reserves room and touches its pages, so that no page fault happens during a measurement.
  void Reserve(size_t count);
  void Clear() {
    latencies_.clear();
    bytes_ = 0;
  }
  void Add(uint64_t nanoseconds) { latencies_.push_back(nanoseconds); }
  void AddBytes(uint64_t count) { bytes_ += count; }

  // Runs `calls` and adds its duration as one sample.
  template <typename Calls>
  auto Time(Calls calls) {
    const uint64_t begin = Nanoseconds();
    auto result = calls();
    Add(Nanoseconds() - begin);
    return result;
  }

  const std::vector<uint64_t>& latencies() const { return latencies_; }
  uint64_t bytes() const { return bytes_; }

 private:
  std::vector<uint64_t> latencies_;
  uint64_t bytes_ = 0;
};

// One per thread.
class Operation {
 public:
  virtual ~Operation() = default;
  // Set-up before the first path; not counted.
  virtual void Prepare() {}
  virtual void Run(const std::string& path, Samples* samples) = 0;
  // True: every thread works on the whole list, concurrently. False: the threads share the list.
  virtual bool IsWholeListEach() const { return false; }
  // Approximate number of samples per path.
  virtual size_t SamplesPerPath() const { return 1; }
};

// The constructor of a family of operations.
using MakeOperation = std::unique_ptr<Operation> (*)(const Plan& plan, unsigned thread);

struct NamedOperation {
  const char* name;
  MakeOperation make;
};

const std::vector<NamedOperation>& MetadataOperations();
const std::vector<NamedOperation>& ContentOperations();
const std::vector<NamedOperation>& ChangeOperations();
const std::vector<NamedOperation>& TreeOperations();
const std::vector<NamedOperation>& MountOperations();

std::vector<std::string> OperationNames();

}  // namespace stratafs::load

#endif  // STRATAFS_NATIVE_LOAD_OPERATION_H_
