// The numbers in which a file's attributes are handed to JavaScript: a FileStat (src/sys/stat-at.ts).
#ifndef STRATAFS_NATIVE_UPPER_STAT_H_
#define STRATAFS_NATIVE_UPPER_STAT_H_

#include <fcntl.h>
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>

namespace stratafs {

// The numbers of a FileStat.
constexpr size_t kStatLength = 20;
// What statx(2) is asked for.
constexpr unsigned kStatMask = STATX_BASIC_STATS | STATX_BTIME;

// `out` has room for kStatLength numbers, which are in the order of FileStat's fields.
inline void FillStat(const struct statx& st, double* out) {
  const uint32_t minor = st.stx_rdev_minor;
  out[0] = st.stx_mode;
  out[1] = st.stx_nlink;
  out[2] = st.stx_uid;
  out[3] = st.stx_gid;
  // new_encode_dev of linux/kdev_t.h
  out[4] = (minor & 0xff) | (st.stx_rdev_major << 8) | ((minor & ~0xffu) << 12);
  out[5] = static_cast<double>(st.stx_size);
  out[6] = static_cast<double>(st.stx_blocks);
  out[7] = static_cast<double>(st.stx_atime.tv_sec);
  out[8] = st.stx_atime.tv_nsec;
  out[9] = static_cast<double>(st.stx_mtime.tv_sec);
  out[10] = st.stx_mtime.tv_nsec;
  out[11] = static_cast<double>(st.stx_ctime.tv_sec);
  out[12] = st.stx_ctime.tv_nsec;
  const bool has_btime = (st.stx_mask & STATX_BTIME) != 0;
  out[13] = has_btime ? 1 : 0;
  out[14] = has_btime ? static_cast<double>(st.stx_btime.tv_sec) : 0;
  out[15] = has_btime ? st.stx_btime.tv_nsec : 0;
  out[16] = static_cast<double>(st.stx_ino);
  out[17] = static_cast<double>(st.stx_dev_major) * (1 << 20) + st.stx_dev_minor;
  out[18] = (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0 ? 1 : 0;
  out[19] = (st.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)) != 0 ? 1 : 0;
}

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_UPPER_STAT_H_
