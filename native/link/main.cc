// stratafs-link NAMESPACE NAMESPACE RTT_MS MBIT_PER_S: a link between two network namespaces, for benchmarks.
//
// It makes a TUN device `link0` in each namespace (paths as in /run/netns) and carries packets between them:
// each direction has the rate, a queue of 50 ms that drops what exceeds it, and half of the round-trip time
// as delay. The kernel's netem does the same, where it is compiled in.
//
// On stdout it writes "ready" when the devices are there: the caller gives them addresses. For each line on
// stdin it writes "<bytes> <dropped packets> <bytes> <dropped packets>", for either direction from the start
// on. It ends when stdin does.
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <vector>

namespace {

using Nanoseconds = int64_t;

constexpr char kDevice[] = "link0";
constexpr size_t kMaxPacket = 65536;
constexpr Nanoseconds kQueue = 50'000'000;
/// Packets that are read from one device before the other one has its turn.
constexpr int kBatch = 64;

Nanoseconds Now() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

[[noreturn]] void Fail(const char* what) {
  fprintf(stderr, "stratafs-link: %s: %s\n", what, strerror(errno));
  exit(EXIT_FAILURE);
}

/// Enters the network namespace, and makes a device there.
int OpenDevice(const char* space) {
  const int entered = open(space, O_RDONLY | O_CLOEXEC);
  if (entered < 0 || setns(entered, CLONE_NEWNET) < 0) Fail(space);
  close(entered);
  const int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) Fail("/dev/net/tun");
  ifreq request = {};
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  strcpy(request.ifr_name, kDevice);
  if (ioctl(fd, TUNSETIFF, &request) < 0) Fail(kDevice);
  return fd;
}

struct Packet {
  Nanoseconds due;
  std::vector<uint8_t> bytes;
};

/// One direction of the link.
class Direction {
 public:
  Direction(int from, int to, Nanoseconds delay, double nanoseconds_per_byte)
      : from_(from), to_(to), delay_(delay), nanoseconds_per_byte_(nanoseconds_per_byte) {}

  /// Takes packets from the one device, and gives those that are due to the other. True if there was any.
  bool Carry() {
    bool moved = false;
    uint8_t buffer[kMaxPacket];
    for (int i = 0; i < kBatch; i++) {
      const ssize_t length = read(from_, buffer, sizeof buffer);
      if (length <= 0) break;
      moved = true;
      Take(buffer, static_cast<size_t>(length));
    }
    while (!queue_.empty() && queue_.front().due <= Now()) {
      const Packet& packet = queue_.front();
      // Only a device that is down refuses a packet; TCP sends it again.
      if (write(to_, packet.bytes.data(), packet.bytes.size()) < 0) dropped_++;
      queue_.pop_front();
      moved = true;
    }
    return moved;
  }

  /// When the next packet is due; INT64_MAX: none is under way.
  Nanoseconds NextDue() const { return queue_.empty() ? INT64_MAX : queue_.front().due; }

  uint64_t bytes() const { return bytes_; }
  uint64_t dropped() const { return dropped_; }

 private:
  void Take(const uint8_t* bytes, size_t length) {
    const Nanoseconds now = Now();
    if (free_ < now) free_ = now;
    if (free_ - now > kQueue) {
      dropped_++;
      return;
    }
    free_ += static_cast<Nanoseconds>(static_cast<double>(length) * nanoseconds_per_byte_);
    bytes_ += length;
    queue_.push_back({free_ + delay_, std::vector<uint8_t>(bytes, bytes + length)});
  }

  const int from_;
  const int to_;
  const Nanoseconds delay_;
  const double nanoseconds_per_byte_;
  std::deque<Packet> queue_;
  /// When the last packet that was taken has been sent.
  Nanoseconds free_ = 0;
  uint64_t bytes_ = 0;
  uint64_t dropped_ = 0;
};

/// Reads what is on stdin, and reports once for each line. False at its end.
bool Report(const Direction& there, const Direction& back) {
  char text[256];
  const ssize_t length = read(STDIN_FILENO, text, sizeof text);
  if (length <= 0) return false;
  for (ssize_t i = 0; i < length; i++) {
    if (text[i] != '\n') continue;
    printf("%llu %llu %llu %llu\n", static_cast<unsigned long long>(there.bytes()),
           static_cast<unsigned long long>(there.dropped()), static_cast<unsigned long long>(back.bytes()),
           static_cast<unsigned long long>(back.dropped()));
  }
  fflush(stdout);
  return true;
}

timespec Until(Nanoseconds due) {
  const Nanoseconds rest = due - Now();
  if (rest <= 0) return {0, 0};
  return {static_cast<time_t>(rest / 1'000'000'000), static_cast<long>(rest % 1'000'000'000)};
}

}  // namespace

int main(int count, char** arguments) {
  const double round_trip_ms = count == 5 ? atof(arguments[3]) : -1;
  const double megabits = count == 5 ? atof(arguments[4]) : 0;
  if (round_trip_ms < 0 || megabits <= 0) {
    fprintf(stderr, "usage: stratafs-link NAMESPACE NAMESPACE RTT_MS MBIT_PER_S\n");
    return 2;
  }
  const int first = OpenDevice(arguments[1]);
  const int second = OpenDevice(arguments[2]);
  const auto delay = static_cast<Nanoseconds>(round_trip_ms * 1e6 / 2);
  Direction there(first, second, delay, 8000 / megabits);
  Direction back(second, first, delay, 8000 / megabits);
  puts("ready");
  fflush(stdout);
  for (;;) {
    const bool moved = there.Carry() | back.Carry();
    pollfd polled[] = {{STDIN_FILENO, POLLIN, 0}, {first, POLLIN, 0}, {second, POLLIN, 0}};
    const Nanoseconds due = there.NextDue() < back.NextDue() ? there.NextDue() : back.NextDue();
    const timespec wait = moved ? timespec{0, 0} : Until(due);
    if (ppoll(polled, 3, due == INT64_MAX && !moved ? nullptr : &wait, nullptr) < 0 && errno != EINTR) {
      Fail("ppoll");
    }
    if ((polled[0].revents & (POLLIN | POLLHUP)) != 0 && !Report(there, back)) return EXIT_SUCCESS;
  }
}
