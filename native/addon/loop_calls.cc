// Loop devices (loop(4)): a file as a block device, for kernels and file systems where EROFS can't take the
// file itself.
//
// A device is set up read-only and with autoclear: the kernel frees it when its last user is gone, which is
// the mount.
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "call_arguments.h"
#include "parts.h"

namespace stratafs {

namespace {

constexpr char kControl[] = "/dev/loop-control";
// Another process may take the free device that we were given: so many tries.
constexpr int kTries = 64;
// EROFS images have blocks of this size, and layers begin at multiples of it.
constexpr uint32_t kBlockSize = 512;

// The number of a free device, which any process may take next: -1 and errno.
int FindFree() {
  const int control = open(kControl, O_RDWR | O_CLOEXEC);
  if (control < 0) return -1;
  const int number = ioctl(control, LOOP_CTL_GET_FREE);
  const int error = errno;
  close(control);
  errno = error;
  return number;
}

// Sets up the device `number` for the file: a descriptor of it, which keeps it alive, or -1 and errno (EBUSY
// if another process has taken it).
int SetUp(int number, int file) {
  char path[32];
  snprintf(path, sizeof(path), "/dev/loop%d", number);
  const int device = open(path, O_RDONLY | O_CLOEXEC);
  if (device < 0) return -1;
  struct loop_config config = {};
  config.fd = static_cast<uint32_t>(file);
  config.block_size = kBlockSize;
  config.info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR;
  if (ioctl(device, LOOP_CONFIGURE, &config) == 0) return device;
  const int error = errno;
  close(device);
  errno = error;
  return -1;
}

// attachLoop(file): [descriptor, number] of a new loop device /dev/loop<number> with the content of the open
// file, or a negative errno. The device is freed when the descriptor is closed and nothing else uses it.
napi_value AttachLoop(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int file = in.Descriptor(0);
  if (in.error() != 0) return in.MakeNumber(in.error());
  for (int i = 0; i < kTries; i++) {
    const int number = FindFree();
    if (number < 0) return in.MakeNumber(-errno);
    const int device = SetUp(number, file);
    if (device >= 0) return in.MakePair(device, number);
    if (errno != EBUSY) return in.MakeNumber(-errno);
  }
  return in.MakeNumber(-EBUSY);
}

}  // namespace

void RegisterLoopCalls(Napi::Env env, Napi::Object exports) {
  const NamedCall calls[] = {{"attachLoop", AttachLoop}};
  ExportCalls(env, exports, calls);
}

}  // namespace stratafs
