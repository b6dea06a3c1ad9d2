// TransferPool: moves file data to the FUSE device from pool threads, and owns the device's descriptor.
//
// Shared by the channel and the transfers under way; it deletes itself, and closes the device, once it is
// released and the last transfer has ended. Used on the loop's thread only, but for `Run`.
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

  // Answers request `unique` with `length` bytes of `fd` at `position`; where the file is shorter, with what
  // there is if it `may_end`, else with -EIO; with -EIO too where the file is not in `state` any more. The
  // descriptor is not used after the answer.
  // True if that is done, false if a pool thread does it.
  bool Send(uint64_t unique, int fd, int64_t position, size_t length, bool may_end, const FileState& state);
  // No more Send. Closes the device when idle.
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
// no failure. Answers 0 or a negative errno.
int WriteReply(int device, const OutHeader& header, const void* payload, size_t length);

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_TRANSFER_POOL_H_
