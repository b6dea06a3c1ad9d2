// stratafs-load: the load generator of `stratafs bench`. One process makes the system calls of one workload
// on the given paths, and measures each. So the results contain neither process start-up nor Node.
//
// The output is one line of JSON, {"operations":N,"nanoseconds":N,"bytes":N}, with the wall time from the
// first call of any thread to the last. It is followed by the latency of each operation in nanoseconds, 64
// bits little-endian, thread by thread. A failure is one line and status 1. Threads are not pinned to CPUs.
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>

#include "operation.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "samples are written as they lie in memory");

namespace stratafs::load {

void Fail(const char* call, const std::string& path) {
  fprintf(stderr, "%s %s: %s\n", call, path.c_str(), strerror(errno));
  // Other threads may be inside a call, so nothing is torn down.
  _exit(1);
}

void Samples::Reserve(size_t count) {
  latencies_.resize(count, 1);
  latencies_.clear();
}

namespace {

const std::vector<NamedOperation>* const kFamilies[] = {
    &MetadataOperations(), &ContentOperations(), &ChangeOperations(), &TreeOperations(), &MountOperations()};

MakeOperation FindOperation(const std::string& name) {
  for (const auto* family : kFamilies)
    for (const NamedOperation& each : *family)
      if (name == each.name) return each.make;
  return nullptr;
}

// A barrier: threads wait until all have arrived.
class Gate {
 public:
  explicit Gate(unsigned threads) : missing_(threads) {}
  void Arrive() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (--missing_ == 0) return all_here_.notify_all();
    all_here_.wait(lock, [this] { return missing_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable all_here_;
  unsigned missing_;
};

class Worker {
 public:
  Worker(const Plan& plan, unsigned number, MakeOperation make)
      : plan_(plan), number_(number), operation_(make(plan, number)) {
    const size_t paths =
        operation_->IsWholeListEach() ? plan.paths.size() : plan.paths.size() / plan.threads + 1;
    samples_.Reserve(paths * operation_->SamplesPerPath());
  }

  void Work(Gate* gate) {
    operation_->Prepare();
    for (unsigned n = 0; n < plan_.rehearsals; n++) RunAll();
    samples_.Clear();
    gate->Arrive();
    begin_ = Nanoseconds();
    RunAll();
    end_ = Nanoseconds();
  }

  const Samples& samples() const { return samples_; }
  uint64_t begin() const { return begin_; }
  uint64_t end() const { return end_; }

 private:
  void RunAll() {
    const bool takesAll = operation_->IsWholeListEach();
    const size_t step = takesAll ? 1 : plan_.threads;
    for (size_t i = takesAll ? 0 : number_; i < plan_.paths.size(); i += step)
      operation_->Run(plan_.paths[i], &samples_);
  }

  const Plan& plan_;
  unsigned number_;
  std::unique_ptr<Operation> operation_;
  Samples samples_;
  uint64_t begin_ = 0;
  uint64_t end_ = 0;
};

void WriteAnswer(const std::vector<std::unique_ptr<Worker>>& workers) {
  uint64_t begin = UINT64_MAX;
  uint64_t end = 0;
  uint64_t bytes = 0;
  size_t operations = 0;
  for (const auto& worker : workers) {
    begin = std::min(begin, worker->begin());
    end = std::max(end, worker->end());
    bytes += worker->samples().bytes();
    operations += worker->samples().latencies().size();
  }
  printf("{\"operations\":%zu,\"nanoseconds\":%" PRIu64 ",\"bytes\":%" PRIu64 "}\n", operations, end - begin,
         bytes);
  for (const auto& worker : workers) {
    const std::vector<uint64_t>& latencies = worker->samples().latencies();
    fwrite(latencies.data(), sizeof latencies[0], latencies.size(), stdout);
  }
  if (fflush(stdout) != 0) Fail("write", "standard output");
}

}  // namespace

std::vector<std::string> OperationNames() {
  std::vector<std::string> names;
  for (const auto* family : kFamilies)
    for (const NamedOperation& each : *family) names.emplace_back(each.name);
  return names;
}

int Main(int argc, char** argv) {
  const Plan plan = ReadPlan(argc, argv);
  const MakeOperation make = FindOperation(plan.operation);
  if (make == nullptr) {
    fprintf(stderr, "stratafs-load: unknown operation %s\n", plan.operation.c_str());
    return 2;
  }
  if (chdir(plan.directory.c_str()) != 0) Fail("chdir", plan.directory);
  std::vector<std::unique_ptr<Worker>> workers;
  for (unsigned n = 0; n < plan.threads; n++) workers.push_back(std::make_unique<Worker>(plan, n, make));
  // Loads the program and its libraries into memory now, even if caches were just dropped. If a limit forbids
  // it (EPERM, ENOMEM), a page of them may be read during a measurement.
  static_cast<void>(mlockall(MCL_CURRENT));
  Gate gate(plan.threads);
  std::vector<std::thread> threads;
  for (unsigned n = 1; n < plan.threads; n++) threads.emplace_back([&, n] { workers[n]->Work(&gate); });
  workers[0]->Work(&gate);
  for (std::thread& each : threads) each.join();
  WriteAnswer(workers);
  return 0;
}

}  // namespace stratafs::load

int main(int argc, char** argv) { return stratafs::load::Main(argc, argv); }
