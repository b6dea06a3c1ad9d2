// TransferPool: moves file data to the FUSE device on pool threads, and owns the device's descriptor.
//
// The channel and the transfers under way share it. It deletes itself and closes the device when it was
// released and the last transfer has ended. Used only on the loop's thread, except for `Run`.
#ifndef STRATAFS_NATIVE_TRANSFER_POOL_H_
#define STRATAFS_NATIVE_TRANSFER_POOL_H_

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "file_state.h"
#include "fuse_messages.h"

namespace stratafs {

class TransferPool {
 public:
  TransferPool(uv_loop_t* loop, int device) : loop_(loop), device_(device) {}
  TransferPool(const TransferPool&) = delete;
  TransferPool& operator=(const TransferPool&) = delete;

  // Answers request `unique` with `length` bytes of `fd` at `position`. If the file ends early, the answer is
  // short with `may_end`, else -EIO. It is -EIO too if the file is no longer in `state`. The descriptor is
  // not used after the answer. Returns true if that is done, false if a pool thread does it.
  bool Send(uint64_t unique, int fd, int64_t position, size_t length, bool may_end, const FileState& state);
  // Send may not be called any more. Closes the device when idle.
  void Release();

 private:
  struct Transfer {
    uv_work_t work;
    TransferPool* pool;
    uint64_t unique;
    int fd;
    int64_t position;
    size_t length;
    bool may_end;
    FileState state;
    std::vector<uint8_t> buffer;
  };

  ~TransferPool();
  Transfer* Take();
  static void Run(uv_work_t* work);
  static void Done(uv_work_t* work, int status);
  void DeleteWhenIdle();

  uv_loop_t* loop_;
  int device_;
  bool released_ = false;
  size_t active_ = 0;
  std::vector<Transfer*> idle_;
};

// Writes a whole reply. A reply that the kernel no longer wants (ENOENT: interrupted; ENODEV: unmounted) is
// not a failure. Returns 0 or a negative errno.
int WriteReply(int device, const OutHeader& header, const void* payload, size_t length);

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_TRANSFER_POOL_H_
