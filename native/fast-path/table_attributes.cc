#include "table_attributes.h"

#include <sys/stat.h>

#include <algorithm>

namespace stratafs {

namespace {

// The size that directories show; the tree stores none.
constexpr uint64_t kDirectorySize = 4096;
constexpr uint64_t kBlock = 512;
// STATX_BASIC_STATS of linux/stat.h. A layer stores no birth time.
constexpr uint32_t kBasicStats = 0x7ff;

uint32_t Shown(const ShownIds& ids, uint32_t stored) {
  const auto at = std::lower_bound(ids.begin(), ids.end(), std::make_pair(stored, uint32_t{0}));
  return at != ids.end() && at->first == stored ? at->second : stored;
}

}  // namespace

bool TableAttributes::HasAttributes(uint32_t inode) const {
  if (!table.IsPristine(inode)) return false;
  return !facts.counts_links || table.nlink(inode) < 2 || (table.mode(inode) & S_IFMT) == S_IFDIR;
}

void TableAttributes::FillAttr(uint32_t inode, FuseAttr* out) const {
  const uint32_t mode = table.mode(inode);
  const uint32_t type = mode & S_IFMT;
  const bool is_directory = type == S_IFDIR;
  const uint64_t stored = is_directory ? kDirectorySize : table.allocated(inode);
  out->ino = static_cast<uint64_t>(inode) + 1;
  out->size = is_directory ? kDirectorySize : table.size(inode);
  out->blocks = (stored + kBlock - 1) / kBlock;
  out->atime = table.atime_sec(inode);
  out->mtime = table.mtime_sec(inode);
  // A layer stores no ctime.
  out->ctime = out->mtime;
  out->atime_nsec = table.atime_nsec(inode);
  out->mtime_nsec = table.mtime_nsec(inode);
  out->ctime_nsec = out->mtime_nsec;
  out->mode = mode;
  out->nlink = table.nlink(inode);
  out->uid = table.uid(inode);
  out->gid = table.gid(inode);
  if (facts.maps_owners) {
    out->uid = Shown(facts.users, out->uid);
    out->gid = Shown(facts.groups, out->gid);
    if (facts.hides_sticky_bits && is_directory) out->mode &= ~static_cast<uint32_t>(S_ISVTX);
  }
  out->rdev = type == S_IFCHR || type == S_IFBLK ? table.rdev(inode) : 0;
  out->blksize = facts.block_size;
  out->flags = 0;
}

void TableAttributes::FillEntry(uint32_t inode, EntryOut* out) const {
  *out = {};
  out->node = static_cast<uint64_t>(inode) + 1;
  out->entry_valid = facts.validity;
  out->attr_valid = facts.validity;
  FillAttr(inode, &out->attr);
}

void TableAttributes::FillStatx(uint32_t inode, StatxOut* out) const {
  FuseAttr attr;
  FillAttr(inode, &attr);
  *out = {};
  out->attr_valid = facts.validity;
  out->mask = kBasicStats;
  out->blksize = attr.blksize;
  out->nlink = attr.nlink;
  out->uid = attr.uid;
  out->gid = attr.gid;
  out->mode = static_cast<uint16_t>(attr.mode);
  out->ino = attr.ino;
  out->size = attr.size;
  out->blocks = attr.blocks;
  out->atime = {attr.atime, attr.atime_nsec, 0};
  out->ctime = {attr.ctime, attr.ctime_nsec, 0};
  out->mtime = {attr.mtime, attr.mtime_nsec, 0};
  // new_decode_dev of linux/kdev_t.h.
  out->rdev_major = (attr.rdev >> 8) & 0xfff;
  out->rdev_minor = (attr.rdev & 0xff) | ((attr.rdev >> 12) & 0xfff00);
}

}  // namespace stratafs
