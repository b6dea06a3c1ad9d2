// Shared by the calls on xattrs of the upper and those that set all metadata of a new file.
#ifndef STRATAFS_NATIVE_UPPER_XATTRS_H_
#define STRATAFS_NATIVE_UPPER_XATTRS_H_

#include "call_arguments.h"

namespace stratafs {

// setxattr(2) of a name that is not followed, or, if it is empty, of the file of the descriptor (O_PATH
// suffices): 0, or -1 and errno.
int SetXattr(int dir, const Component& name, const char* attribute, const ByteSpan& value, int flags);

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_UPPER_XATTRS_H_
