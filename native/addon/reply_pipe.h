// ReplyPipe: sends large parts of files to the FUSE device without a copy in this process.
//
// splice(2) puts references to pages of the page cache into a pipe, and the kernel copies from them into the
// pages of the reader: one copy per byte, where read(2) and write(2) make two. The pages are not copied
// before the reply is sent, so the state of the file is checked before and after it. Small replies are left
// to the caller: the copy costs less than the system calls that it saves.
#ifndef STRATAFS_NATIVE_REPLY_PIPE_H_
#define STRATAFS_NATIVE_REPLY_PIPE_H_

#include <cstddef>
#include <cstdint>

#include "file_reply.h"

namespace stratafs {

class ReplyPipe {
 public:
  // Of Send. After `kSentChanged` the kernel may keep bytes of a file that is no longer in its state.
  enum class Outcome { kSent, kSentChanged, kNotSent };

  // The smallest reply for which splice was measured to be faster than a copy.
  static constexpr size_t kLeastBytes = 64 * 1024;

  ReplyPipe() = default;
  ~ReplyPipe() { Close(); }
  ReplyPipe(const ReplyPipe&) = delete;
  ReplyPipe& operator=(const ReplyPipe&) = delete;

  // Sends `reply` to `device` if that saves time and waits for no disk. kNotSent: nothing was sent.
  Outcome Send(int device, const FileReply& reply);

 private:
  // Makes the pipe, or removes what a failure has left in it. False if there is no pipe.
  bool Open();
  void Close();
  // True if a message with these bytes fits into the pipe.
  bool HasRoom(const FileReply& reply) const;
  // Puts the whole message into the pipe.
  bool Fill(const FileReply& reply);

  int read_end_ = -1;
  int write_end_ = -1;
  // Pages that the pipe can refer to.
  size_t slots_ = 0;
  size_t page_ = 0;
};

// True if the file system of `fd` can be asked for bytes without waiting (RWF_NOWAIT), as local ones can. Of
// a file from a server, which may never answer, a page that is on its way counts as one in the page cache.
bool NeverWaits(int fd);

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_REPLY_PIPE_H_
