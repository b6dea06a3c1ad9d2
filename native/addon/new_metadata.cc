#include "new_metadata.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "upper_attributes.h"
#include "upper_xattrs.h"

namespace stratafs {

namespace {

constexpr uint32_t kKeepId = 0xffffffff;
constexpr size_t kNumbers = 8;
// Bits of `tolerance_` (OwnerTolerance in src/sys/upper-fill.ts).
constexpr uint32_t kUserMayDiffer = 1;
constexpr uint32_t kGroupMayDiffer = 2;
constexpr uint32_t kOwnerMayStay = 4;
// u8 may be lost, u8 0, u16 size of the name with its NUL, u32 size of the value.
constexpr size_t kHeader = 8;

bool IsRefusal(int error) { return error == EPERM || error == EINVAL; }

// 0 or a negative errno.
int ChangeOwner(int dir, const Component& name, uid_t uid, gid_t gid, bool may_differ) {
  if (fchownat(dir, name.c_str(), uid, gid, NameFlags(name)) == 0) return 0;
  return may_differ && IsRefusal(errno) ? 0 : -errno;
}

}  // namespace

NewMetadata::NewMetadata(CallArguments* in, size_t index) {
  const double* numbers = in->Doubles(index, kNumbers);
  const ByteSpan xattrs = in->Bytes(index + 1);
  if (in->error() != 0) return;
  uid_ = static_cast<uid_t>(numbers[0]);
  gid_ = static_cast<gid_t>(numbers[1]);
  tolerance_ = static_cast<uint32_t>(numbers[2]);
  mode_ = static_cast<int32_t>(numbers[3]);
  times_[0] = {static_cast<time_t>(numbers[4]), static_cast<long>(numbers[5])};
  times_[1] = {static_cast<time_t>(numbers[6]), static_cast<long>(numbers[7])};
  packed_.assign(xattrs.data, xattrs.data + xattrs.size);
  if (!Unpack()) in->Fail(-EINVAL);
}

bool NewMetadata::Unpack() {
  const uint8_t* at = packed_.data();
  for (size_t left = packed_.size(); left > 0;) {
    if (left < kHeader) return false;
    uint16_t name_size;
    uint32_t value_size;
    memcpy(&name_size, at + 2, sizeof(name_size));
    memcpy(&value_size, at + 4, sizeof(value_size));
    const uint8_t* name = at + kHeader;
    left -= kHeader;
    if (name_size == 0 || name_size > left || value_size > left - name_size) return false;
    if (name[name_size - 1] != '\0') return false;
    const uint8_t* value = name + name_size;
    xattrs_.push_back({at[0] != 0, reinterpret_cast<const char*>(name), {value, value_size}});
    at = value + value_size;
    left -= name_size + value_size;
  }
  return true;
}

int NewMetadata::Apply(int dir, const Component& name) const {
  // chown(2) drops set-ID bits and capabilities, and a user.* xattr can only be set while the file is
  // writable.
  const int owned = ApplyOwner(dir, name);
  if (owned != 0) return owned;
  for (const Xattr& xattr : xattrs_) {
    if (SetXattr(dir, name, xattr.name, xattr.value, 0) == 0) continue;
    if (!xattr.may_be_lost || (errno != EPERM && errno != EOPNOTSUPP)) return -errno;
  }
  if (mode_ >= 0 && ChangeMode(dir, name, static_cast<mode_t>(mode_)) < 0) return -errno;
  return ChangeTimes(dir, name, times_) < 0 ? -errno : 0;
}

int NewMetadata::ApplyOwner(int dir, const Component& name) const {
  if (uid_ == kKeepId && gid_ == kKeepId) return 0;
  int result = ChangeOwner(dir, name, uid_, gid_, (tolerance_ & kOwnerMayStay) != 0);
  if (result != 0 && (tolerance_ & (kUserMayDiffer | kGroupMayDiffer)) != 0) {
    result = ChangeOwner(dir, name, uid_, kKeepId, (tolerance_ & kUserMayDiffer) != 0);
    if (result == 0) {
      result = ChangeOwner(dir, name, kKeepId, gid_, (tolerance_ & kGroupMayDiffer) != 0);
    }
  }
  return result == -EINVAL ? -EOVERFLOW : result;
}

}  // namespace stratafs
