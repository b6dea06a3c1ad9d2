// BusyPoll: decides whether, after an answer, the thread polls the device for a while before it sleeps.
//
// A program that walks a tree sends its next request within microseconds, and waking up from an idle CPU
// costs more than the request: 25 us and more in a virtual machine. With polling 10,000 lookups take a third
// of the time there. But if all CPUs are busy, the program may wait for the CPU on which this thread polls:
// each request then takes longer by the whole polling time (66 us instead of 12 for an open). The sign of
// that is a request that arrives as soon as the thread sleeps. Each such case makes BusyPoll skip the next
// polls, and repeated cases make it skip longer.
#ifndef STRATAFS_NATIVE_LINGER_H_
#define STRATAFS_NATIVE_LINGER_H_

#include <algorithm>
#include <cstdint>

namespace stratafs {

class BusyPoll {
 public:
  // An answer was sent. Times are in nanoseconds.
  void Begin(uint64_t now) {
    if (left_out_ > 0) {
      left_out_--;
      until_ = 0;
    } else {
      until_ = now + kNanoseconds;
    }
  }
  // For a request that is answered later, the loop must go on with other work.
  void Cancel() { until_ = 0; }

  bool IsOn() const { return until_ != 0; }

  // No request has arrived: returns whether to poll again.
  bool GoesOn(uint64_t now) {
    if (until_ == 0) return false;
    is_waiting_ = now < until_;
    if (is_waiting_) return true;
    gave_up_at_ = now;
    until_ = 0;
    return false;
  }
  // A request has arrived.
  void End(uint64_t now) {
    if (is_waiting_) penalty_ /= 2;
    if (gave_up_at_ != 0 && now - gave_up_at_ < kAtOnceNanoseconds) {
      penalty_ = std::min(2 * penalty_ + 1, kMostLeftOut);
      left_out_ = penalty_;
    }
    is_waiting_ = false;
    gave_up_at_ = 0;
  }

 private:
  static constexpr uint64_t kNanoseconds = 50'000;
  static constexpr uint64_t kAtOnceNanoseconds = 20'000;
  static constexpr uint32_t kMostLeftOut = 64;

  uint64_t until_ = 0;
  // When the last polling ended without a request; 0: a request has arrived since.
  uint64_t gave_up_at_ = 0;
  bool is_waiting_ = false;
  uint32_t penalty_ = 0;
  uint32_t left_out_ = 0;
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_LINGER_H_
