#include "directory_answer.h"

#include <cstring>

namespace stratafs {

bool DirectoryAnswer::Fill(uint64_t cookie) {
  if (!AddDots(cookie)) return true;
  const TreeTable& table = table_.table;
  const uint32_t first = table.first_child(directory_);
  const uint64_t count = table.child_count(directory_);
  for (uint64_t i = cookie < 2 ? 0 : cookie - 2; i < count; i++) {
    const uint32_t dentry = first + static_cast<uint32_t>(i);
    const uint32_t child = table.target(dentry);
    if (wants_attributes_ && !table_.HasAttributes(child)) return false;
    const TableBytes name = table.name(dentry);
    if (!Add(child, false, name.data, name.size, 3 + i)) return true;
  }
  return true;
}

bool DirectoryAnswer::AddDots(uint64_t cookie) {
  static const uint8_t kDots[2] = {'.', '.'};
  for (uint64_t dots = cookie + 1; dots != 0 && dots <= 2; dots++) {
    const uint32_t inode = dots == 1 ? directory_ : table_.table.parent(directory_);
    if (!Add(inode, true, kDots, dots, dots)) return false;
  }
  return true;
}

// "." and ".." have no entry: they are no lookups.
bool DirectoryAnswer::Add(uint32_t inode, bool is_dots, const uint8_t* name, size_t length, uint64_t cookie) {
  const size_t plus = wants_attributes_ ? sizeof(EntryOut) : 0;
  const size_t entry_size = (plus + sizeof(Dirent) + length + 7) & ~size_t{7};
  if (entry_size > room_ - size_) return false;
  uint8_t* at = out_ + size_;
  if (plus != 0) {
    EntryOut entry = {};
    if (!is_dots) table_.FillEntry(inode, &entry);
    memcpy(at, &entry, sizeof(entry));
  }
  const Dirent dirent = {static_cast<uint64_t>(inode) + 1, cookie, static_cast<uint32_t>(length),
                         table_.table.mode(inode) >> 12};
  memcpy(at + plus, &dirent, sizeof(dirent));
  uint8_t* to = at + plus + sizeof(Dirent);
  memcpy(to, name, length);
  memset(to + length, 0, static_cast<size_t>(at + entry_size - (to + length)));
  size_ += entry_size;
  return true;
}

}  // namespace stratafs
