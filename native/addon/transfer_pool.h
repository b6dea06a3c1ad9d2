// TransferPool: moves file data to the FUSE device on pool threads, and owns the device's descriptor.
//
// The channel and the transfers under way share it. It deletes itself and closes the device when it was
// released and the last transfer has ended. Used only on the loop's thread, except for `Run` and `RunDrop`.
#ifndef STRATAFS_NATIVE_TRANSFER_POOL_H_
#define STRATAFS_NATIVE_TRANSFER_POOL_H_

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "file_reply.h"
#include "fuse_messages.h"
#include "reply_pipe.h"

namespace stratafs {

class TransferPool {
 public:
  TransferPool(uv_loop_t* loop, int device) : loop_(loop), device_(device) {}
  TransferPool(const TransferPool&) = delete;
  TransferPool& operator=(const TransferPool&) = delete;

  // Answers a READ. The descriptor is not used after the answer. Returns true if that is done, false if a
  // pool thread does it.
  bool Send(const FileReply& reply);
  // Send may not be called any more. Closes the device when idle.
  void Release();

 private:
  struct Transfer {
    uv_work_t work;
    TransferPool* pool;
    FileReply reply;
    std::vector<uint8_t> buffer;
  };

  ~TransferPool();
  // Makes the kernel drop the pages that a reply has filled.
  void Drop(const FileReply& reply);
  Transfer* Take();
  // Runs `work` on a pool thread, or here if the loop takes no more work.
  void Queue(Transfer* transfer, uv_work_cb work);
  static void Run(uv_work_t* work);
  static void RunDrop(uv_work_t* work);
  static void Done(uv_work_t* work, int status);
  void DeleteWhenIdle();

  uv_loop_t* loop_;
  int device_;
  bool released_ = false;
  size_t active_ = 0;
  std::vector<Transfer*> idle_;
  ReplyPipe pipe_;
};

// Writes a whole reply. A reply that the kernel no longer wants (ENOENT: interrupted; ENODEV: unmounted) is
// not a failure. Returns 0 or a negative errno.
int WriteReply(int device, const OutHeader& header, const void* payload, size_t length);

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_TRANSFER_POOL_H_
