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
    if (!Add(child, false, table.name(dentry), 3 + i)) return true;
  }
  return true;
}

bool DirectoryAnswer::AddDots(uint64_t cookie) {
  constexpr std::string_view kDots = "..";
  for (uint64_t dots = cookie + 1; dots != 0 && dots <= 2; dots++) {
    const uint32_t inode = dots == 1 ? directory_ : table_.table.parent(directory_);
    if (!Add(inode, true, kDots.substr(0, dots), dots)) return false;
  }
  return true;
}

// "." and ".." have no entry: they don't count as lookups.
bool DirectoryAnswer::Add(uint32_t inode, bool is_dots, std::string_view name, uint64_t cookie) {
  const size_t plus = wants_attributes_ ? sizeof(EntryOut) : 0;
  const size_t entry_size = (plus + sizeof(Dirent) + name.size() + 7) & ~size_t{7};
  if (entry_size > room_ - size_) return false;
  uint8_t* at = out_ + size_;
  if (plus != 0) {
    EntryOut entry = {};
    if (!is_dots) table_.FillEntry(inode, &entry);
    memcpy(at, &entry, sizeof(entry));
  }
  const Dirent dirent = {static_cast<uint64_t>(inode) + 1, cookie, static_cast<uint32_t>(name.size()),
                         table_.table.mode(inode) >> 12};
  memcpy(at + plus, &dirent, sizeof(dirent));
  uint8_t* to = at + plus + sizeof(Dirent);
  memcpy(to, name.data(), name.size());
  to += name.size();
  memset(to, 0, static_cast<size_t>(at + entry_size - to));
  size_ += entry_size;
  return true;
}

}  // namespace stratafs
