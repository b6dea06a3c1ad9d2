// What the Tree's table and the mount's facts alone answer: a pure function from a request's bytes to a
// reply's.
//
// No policy stands here. It answers for inodes that are pristine what the table states of them, byte for byte
// as src/fuse/handlers and src/overlay do; whatever needs more (or is malformed) is "not mine", and theirs.
// It keeps no state, takes no locks and allocates nothing, so any thread may call it.
#ifndef STRATAFS_NATIVE_FAST_ANSWER_H_
#define STRATAFS_NATIVE_FAST_ANSWER_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "file_state.h"
#include "tree_table.h"

namespace stratafs {

// A layer's uncompressed bytes where they lie in a file as they are; fd -1: they don't.
struct PlainBlob {
  int fd;
  int64_t position;
  uint64_t size;
  // Of the file that holds it, when it was opened.
  FileState state;
};

// How IDs that differ from how they are stored are shown: (stored, shown), sorted. What is not in it shows as
// it is.
using ShownIds = std::vector<std::pair<uint32_t, uint32_t>>;

// What the table doesn't say of a mount. src/sys/table-answers.ts has the same by name.
struct MountFacts {
  bool is_read_only = true;
  // Hard-linked files may have lost names in an earlier mount: only JavaScript knows their link counts.
  bool counts_links = false;
  // Some inode has a security.selinux: without, the mount says that it supports none.
  bool has_selinux_labels = true;
  // Owners are shown otherwise than stored, in ACLs too.
  bool maps_owners = false;
  // Directories show no sticky bit; counts only where owners are mapped.
  bool hides_sticky_bits = false;
  ShownIds users;
  ShownIds groups;
  // By layer.
  std::vector<PlainBlob> blobs;
  // Seconds for which the kernel may keep entries and attributes.
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
    // The reply of `length` bytes stands in the buffer.
    kReply,
    // The request is done, and wants no reply.
    kSilent,
    // `length` bytes of `fd` at `position` are the reply; a file that ends before, or is not in `state` any
    // more, is EIO.
    kFile,
  };
  Kind kind = kNotMine;
  // OPEN +1, RELEASE -1: the caller counts it, once the answer is taken.
  int8_t opens = 0;
  int fd = -1;
  // Of OPEN and RELEASE.
  uint32_t inode = 0;
  size_t length = 0;
  int64_t position = 0;
  uint64_t unique = 0;
  FileState state;
};

// `request` is a message of `length` bytes, `reply` has room for `capacity` (at least 512); both are aligned
// to 8. `opens`, by inode: how often it is open; null of a read-only mount.
FastAnswer AnswerFast(const uint8_t* request, size_t length, const TreeTable& table, const MountFacts& facts,
                      const uint32_t* opens, uint8_t* reply, size_t capacity);

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_FAST_ANSWER_H_
