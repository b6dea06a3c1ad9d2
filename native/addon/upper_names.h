// Shared by the calls on names of the upper and the steps of a copy-up.
#ifndef STRATAFS_NATIVE_UPPER_NAMES_H_
#define STRATAFS_NATIVE_UPPER_NAMES_H_

#include <cstdint>

#include "call_arguments.h"

namespace stratafs {

// linkat(2). With an empty `from_name` the file is that of the descriptor, which may be an O_TMPFILE. 0, or
// -1 and errno.
int Link(int from_dir, const Component& from_name, int dir, const Component& name);

// mkdirat(2) with that umask: 0, or -1 and errno.
int MakeDirectory(int dir, const Component& name, uint32_t mode, uint32_t mask);

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_UPPER_NAMES_H_
