// BusyPoll: whether, after an answer, the device is asked again and again for a while before the thread
// sleeps.
//
// A program that walks a tree sends its next request within microseconds, and to be woken from an idle CPU
// costs more than the request: 25 us and more in a virtual machine, where 10,000 lookups take a third of the
// time so. But where all CPUs are busy the program may wait for the very CPU that this thread burns: each
// request then takes the whole while longer (66 us for an open of 12). It shows by a request that comes as
// soon as the thread sleeps. Some of the next whiles are then left out, the more the more often that happens.
#ifndef STRATAFS_NATIVE_LINGER_H_
#define STRATAFS_NATIVE_LINGER_H_

#include <algorithm>
#include <cstdint>

namespace stratafs {

class BusyPoll {
 public:
  // An answer was given. Times are in nanoseconds.
  void Begin(uint64_t now) {
    if (left_out_ > 0) {
      left_out_--;
      until_ = 0;
    } else {
      until_ = now + kNanoseconds;
    }
  }
  // What is answered later needs the loop's other turns.
  void Cancel() { until_ = 0; }

  // There is no request yet: whether to ask again.
  bool GoesOn(uint64_t now) {
    if (until_ == 0) return false;
    is_waiting_ = now < until_;
    if (is_waiting_) return true;
    gave_up_at_ = now;
    until_ = 0;
    return false;
  }
  // A request came.
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
  // When the last while ended in vain; 0: there was a request since.
  uint64_t gave_up_at_ = 0;
  bool is_waiting_ = false;
  uint32_t penalty_ = 0;
  uint32_t left_out_ = 0;
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_LINGER_H_
