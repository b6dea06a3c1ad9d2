// Lists a directory of the table in the form of READDIR and READDIRPLUS. Cookies are those of
// src/overlay/read/listing.ts: 1 after ".", 2 after "..", 3 + i after child i.
#ifndef STRATAFS_NATIVE_DIRECTORY_ANSWER_H_
#define STRATAFS_NATIVE_DIRECTORY_ANSWER_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "table_attributes.h"

namespace stratafs {

class DirectoryAnswer {
 public:
  // Writes at most `room` bytes to `out`, which is aligned to 8.
  DirectoryAnswer(const TableAttributes& table, uint32_t directory, bool wants_attributes, uint8_t* out,
                  size_t room)
      : table_(table), directory_(directory), wants_attributes_(wants_attributes), out_(out), room_(room) {}

  // Adds the entries after `cookie` until the room is full. False: the table may not answer for the
  // attributes of an entry, and everything written is invalid.
  bool Fill(uint64_t cookie);
  // Bytes written.
  size_t size() const { return size_; }

 private:
  // False: no room.
  bool AddDots(uint64_t cookie);
  bool Add(uint32_t inode, bool is_dots, std::string_view name, uint64_t cookie);

  const TableAttributes& table_;
  uint32_t directory_;
  bool wants_attributes_;
  uint8_t* out_;
  size_t room_;
  size_t size_ = 0;
};

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_DIRECTORY_ANSWER_H_
