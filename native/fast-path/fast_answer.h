// Answers requests from the Tree's table and the mount's facts alone: a pure function from a request's bytes
// to a reply's bytes.
//
// It holds no policy. For pristine inodes it answers what the table states, byte for byte like
// src/fuse/handlers and src/overlay. Requests that need more, or are malformed, are left to JavaScript. It
// keeps no state, takes no locks and allocates nothing, so any thread may call it.
#ifndef STRATAFS_NATIVE_FAST_ANSWER_H_
#define STRATAFS_NATIVE_FAST_ANSWER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "file_state.h"
#include "tree_table.h"

namespace stratafs {

// The range of a file that holds a layer's uncompressed bytes; fd -1: no file holds them as they are.
struct PlainBlob {
  int fd;
  int64_t position;
  uint64_t size;
  // State of the file when it was opened.
  FileState state;
  // Reads wait for nothing but a local disk.
  bool never_waits;
};

// Pairs (stored, shown) for IDs that are shown differently than stored, sorted. Other IDs are shown
// unchanged.
using ShownIds = std::vector<std::pair<uint32_t, uint32_t>>;

// Facts about a mount that the table lacks. src/sys/table-answers.ts has the same names.
struct MountFacts {
  bool is_read_only = true;
  // Hard-linked files may have lost names in an earlier mount, so only JavaScript knows their link counts.
  bool counts_links = false;
  // The table lacks xattrs whose names have this prefix: JavaScript answers them. Empty: there are none.
  std::string own_xattr_prefix;
  // GETXATTR of this name is EOPNOTSUPP, not ENODATA, for an inode without it. Empty: there is no such name.
  std::string unsupported_xattr;
  // Owners are shown with other IDs than the stored ones, in ACLs too.
  bool maps_owners = false;
  // Directories are shown without the sticky bit; only with `maps_owners`.
  bool hides_sticky_bits = false;
  ShownIds users;
  ShownIds groups;
  // By layer.
  std::vector<PlainBlob> blobs;
  // Seconds for which the kernel may cache entries and attributes.
  uint64_t validity = 0;
  // Of an open that goes through the page cache.
  uint32_t open_flags = 0;
  uint32_t block_size = 0;
  // Bytes.
  uint32_t max_read = 0;
};

struct FastAnswer {
  enum Kind : uint8_t {
    kNotMine,
    // The buffer holds the reply of `length` bytes.
    kReply,
    // The request is done and has no reply.
    kSilent,
    // The reply is `length` bytes of `fd` at `position`. If the file ends early, or is no longer in `state`,
    // it is EIO.
    kFile,
  };
  Kind kind = kNotMine;
  // OPEN +1, RELEASE -1: the caller counts it when the kernel has accepted the answer.
  int8_t opens = 0;
  int fd = -1;
  // Of OPEN, RELEASE and READ.
  uint32_t inode = 0;
  size_t length = 0;
  int64_t position = 0;
  // In the inode, of READ.
  uint64_t offset = 0;
  uint64_t unique = 0;
  FileState state;
  bool never_waits = false;
};

class FastRequest;

// `opens`: the number of opens by inode; null for a read-only mount.
FastAnswer AnswerFast(const FastRequest& request, const TreeTable& table, const MountFacts& facts,
                      const uint32_t* opens);

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_FAST_ANSWER_H_
