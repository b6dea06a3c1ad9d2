// The steps of a copy-up, each in one call: fill a new file, make a new directory, give the new file its
// name. src/sys/upper-fill.ts documents every function.
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "new_metadata.h"
#include "parts.h"
#include "pool_job.h"
#include "upper_attributes.h"
#include "upper_data.h"
#include "upper_names.h"

namespace stratafs {

namespace {

// Bytes of an open file, and their offset in the new one.
struct Range {
  int from;
  int64_t position;
  int64_t offset;
  int64_t length;
};

constexpr size_t kRangeNumbers = 4;

// Sync in src/sys/upper-fill.ts.
enum class Sync : uint32_t { kNone, kStart, kFinish };

class FillJob : public PoolJob {
 public:
  FillJob(CallArguments* in)
      : fd_(in->Descriptor(0)),
        ranges_(ReadRanges(in, 1)),
        bytes_(Copy(in->Bytes(2))),
        offset_(in->Int64(3)),
        size_(in->Int64(4)),
        sync_(static_cast<Sync>(in->Uint(5))),
        metadata_(size_ < 0 ? nullptr : new NewMetadata(in, 6)) {}

 protected:
  int64_t Run() override {
    int64_t end = 0;
    for (const Range& range : ranges_) {
      const int error = CopyRange(range);
      if (error != 0) return error;
      end = range.offset + range.length;
    }
    if (!bytes_.empty()) {
      const int error = Write(bytes_.data(), bytes_.size(), offset_);
      if (error != 0) return error;
      end = offset_ + static_cast<int64_t>(bytes_.size());
    }
    return metadata_ == nullptr ? 0 : Complete(end);
  }

 private:
  // Fits into the caches of most processors. Large writes let the page cache use large folios, which
  // copy_file_range(2) of a misaligned range doesn't.
  static constexpr int64_t kBufferSize = 256 << 10;
  // The disk writes so many bytes while the next are copied.
  static constexpr int64_t kWritebackSize = 8 << 20;
  // The largest block size of the file systems that clone ranges.
  static constexpr int64_t kCloneAlignment = 4096;

  static std::vector<uint8_t> Copy(const ByteSpan& bytes) { return {bytes.data, bytes.data + bytes.size}; }

  static std::vector<Range> ReadRanges(CallArguments* in, size_t index) {
    size_t count = in->Bytes(index).size;
    const double* numbers = in->Doubles(index, 0);
    if (count % kRangeNumbers != 0) in->Fail(-EINVAL);
    std::vector<Range> ranges;
    if (in->error() != 0) return ranges;
    for (const double* end = numbers + count; numbers < end; numbers += kRangeNumbers) {
      ranges.push_back({static_cast<int>(numbers[0]), static_cast<int64_t>(numbers[1]),
                        static_cast<int64_t>(numbers[2]), static_cast<int64_t>(numbers[3])});
    }
    return ranges;
  }

  int CopyRange(const Range& range) {
    if (Clone(range)) return 0;
    const int64_t size = std::min(kBufferSize, range.length);
    const std::unique_ptr<uint8_t[]> buffer(new uint8_t[static_cast<size_t>(size)]);
    int64_t started = 0;
    for (int64_t done = 0; done < range.length;) {
      const size_t wanted = static_cast<size_t>(std::min(size, range.length - done));
      const ssize_t n = pread(range.from, buffer.get(), wanted, range.position + done);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return n == 0 ? -EIO : -errno;
      const int error = Write(buffer.get(), static_cast<size_t>(n), range.offset + done);
      if (error != 0) return error;
      done += n;
      if (sync_ == Sync::kNone || done - started < kWritebackSize) continue;
      // An error of it is reported by fsync.
      sync_file_range(fd_, range.offset + started, done - started, SYNC_FILE_RANGE_WRITE);
      started = done;
    }
    return 0;
  }

  bool Clone(const Range& range) const {
    if (((range.position | range.offset) & (kCloneAlignment - 1)) != 0) return false;
    if (range.length < kCloneAlignment) return false;
    struct file_clone_range clone = {};
    clone.src_fd = range.from;
    clone.src_offset = static_cast<uint64_t>(range.position);
    clone.src_length = static_cast<uint64_t>(range.length);
    clone.dest_offset = static_cast<uint64_t>(range.offset);
    return ioctl(fd_, FICLONERANGE, &clone) == 0;
  }

  int Write(const uint8_t* bytes, size_t size, int64_t offset) const {
    for (size_t written = 0; written < size;) {
      const int64_t more =
          WriteAll(fd_, bytes + written, size - written, offset + static_cast<int64_t>(written));
      if (more <= 0) return more == 0 ? -EIO : -errno;
      written += static_cast<size_t>(more);
    }
    return 0;
  }

  int Complete(int64_t end) const {
    int result = 0;
    while (end != size_ && (result = ftruncate(fd_, size_)) < 0 && errno == EINTR) continue;
    if (result < 0) return -errno;
    const int error = metadata_->Apply(fd_, Component());
    if (error != 0 || sync_ != Sync::kFinish) return error;
    while ((result = fsync(fd_)) < 0 && errno == EINTR) continue;
    return result < 0 ? -errno : 0;
  }

  const int fd_;
  const std::vector<Range> ranges_;
  const std::vector<uint8_t> bytes_;
  const int64_t offset_;
  // Negative: more bytes follow.
  const int64_t size_;
  const Sync sync_;
  const std::unique_ptr<NewMetadata> metadata_;
};

// fillLater(fd, ranges, bytes, offset, size, sync, numbers, xattrs)
napi_value FillLater(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  return PoolJob::Queue(&in, new FillJob(&in));
}

// setNewMetadata(dir, name, numbers, xattrs)
napi_value SetNewMetadata(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int dir = in.Descriptor(0);
  Component name;
  in.NameOrEmpty(1, &name);
  const NewMetadata metadata(&in, 2);
  if (in.error() != 0) return in.MakeNumber(in.error());
  return in.MakeNumber(metadata.Apply(dir, name));
}

// makeNewDirectory(dir, name, numbers, xattrs)
napi_value MakeNewDirectory(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int dir = in.Descriptor(0);
  Component name;
  in.Name(1, &name);
  const NewMetadata metadata(&in, 2);
  if (in.error() != 0) return in.MakeNumber(in.error());
  if (MakeDirectory(dir, name, S_IRWXU, 0) < 0) return in.MakeNumber(-errno);
  struct statx st;
  int error = metadata.Apply(dir, name);
  if (error == 0 && statx(dir, name.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_INO, &st) < 0) {
    error = -errno;
  }
  if (error == 0) return Napi::Number::New(env, static_cast<double>(st.stx_ino));
  unlinkat(dir, name.c_str(), AT_REMOVEDIR);
  return in.MakeNumber(error);
}

// Calls `change`, which changes names in the directory, and then restores the directory's atime and mtime.
template <typename Change>
napi_value KeepTimes(const CallArguments& in, int dir, Change change) {
  if (in.error() != 0) return in.MakeNumber(in.error());
  struct stat before;
  if (fstat(dir, &before) < 0 || change() < 0) return in.MakeNumber(-errno);
  const struct timespec times[2] = {before.st_atim, before.st_mtim};
  // If this fails, the name is there all the same.
  ChangeTimes(dir, Component(), times);
  return in.MakeNumber(0);
}

// linkKeepingTimes(fromDir, fromName, dir, name)
napi_value LinkKeepingTimes(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int from_dir = in.Descriptor(0);
  Component from_name;
  in.NameOrEmpty(1, &from_name);
  const int dir = in.Descriptor(2);
  Component name;
  in.Name(3, &name);
  return KeepTimes(in, dir, [&] { return Link(from_dir, from_name, dir, name); });
}

// renameKeepingTimes(fromDir, fromName, dir, name)
napi_value RenameKeepingTimes(napi_env env, napi_callback_info info) {
  CallArguments in(env, info);
  const int from_dir = in.Descriptor(0);
  Component from_name;
  in.Name(1, &from_name);
  const int dir = in.Descriptor(2);
  Component name;
  in.Name(3, &name);
  return KeepTimes(in, dir, [&] { return renameat(from_dir, from_name.c_str(), dir, name.c_str()); });
}

}  // namespace

void RegisterUpperFill(Napi::Env env, Napi::Object exports) {
  ExportCalls(env, exports,
              {{"fillLater", FillLater},
               {"setNewMetadata", SetNewMetadata},
               {"makeNewDirectory", MakeNewDirectory},
               {"linkKeepingTimes", LinkKeepingTimes},
               {"renameKeepingTimes", RenameKeepingTimes}});
}

}  // namespace stratafs
