// Shared by the calls on attributes of the upper and those that set all metadata of a new file.
#ifndef STRATAFS_NATIVE_UPPER_ATTRIBUTES_H_
#define STRATAFS_NATIVE_UPPER_ATTRIBUTES_H_

#include <fcntl.h>
#include <sys/stat.h>

#include "call_arguments.h"

namespace stratafs {

// Flags of an *at call for a name that is not followed, or, if it is empty, for the file of the descriptor.
inline int NameFlags(const Component& name) { return name.is_empty() ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW; }

// chmod(2): 0, or -1 and errno. EOPNOTSUPP for a symlink.
int ChangeMode(int dir, const Component& name, mode_t mode);

// utimensat(2): atime and mtime. 0, or -1 and errno.
int ChangeTimes(int dir, const Component& name, const struct timespec times[2]);

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_UPPER_ATTRIBUTES_H_
