// NewMetadata: the metadata of a new upper file, which is set as a whole.
#ifndef STRATAFS_NATIVE_NEW_METADATA_H_
#define STRATAFS_NATIVE_NEW_METADATA_H_

#include <sys/types.h>
#include <time.h>

#include <cstdint>
#include <vector>

#include "call_arguments.h"

namespace stratafs {

class NewMetadata {
 public:
  // Reads the arguments `index` and `index + 1`, which src/sys/upper-fill.ts documents. They are copied.
  NewMetadata(CallArguments* in, size_t index);

  // Sets owner, xattrs, mode and times of a name, or, if it is empty, of the file of the descriptor: 0 or a
  // negative errno. EOVERFLOW, as in ovl_copy_up_one, if the user namespace has no such owner.
  int Apply(int dir, const Component& name) const;

 private:
  struct Xattr {
    bool may_be_lost;
    // In `packed_`. The name ends with NUL.
    const char* name;
    ByteSpan value;
  };

  bool Unpack();
  int ApplyOwner(int dir, const Component& name) const;

  uid_t uid_ = 0;
  gid_t gid_ = 0;
  uint32_t tolerance_ = 0;
  // Negative: not set.
  int32_t mode_ = -1;
  struct timespec times_[2] = {};
  std::vector<uint8_t> packed_;
  std::vector<Xattr> xattrs_;
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_NEW_METADATA_H_
