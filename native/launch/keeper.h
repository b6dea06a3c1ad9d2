// The keeper: the parent of a daemon, which starts the next daemon if this one dies.
//
// It holds a duplicate of the FUSE device, so that requests wait instead of failing, and a document that it
// doesn't read: the next daemon does. It has no other descriptors, no directory and no standard streams.
//
//   daemon -> keeper   KeeperMessage: keep this mount, or leave it; it ends now, or it serves
//   keeper -> daemon   one byte: 'E' unmount (SIGTERM or SIGINT), 'U' hand over (SIGHUP)
//
// The daemon's end decides what happens next:
//
//   status 0                        unmounted: the keeper ends
//   kHandOver                       the next daemon is started at once
//   kHopeless                       the mount can't go on: the connection is aborted
//   SIGTERM or SIGINT, or while     the mount was to end: it is detached
//   the daemon had said that it ends
//   else, a crash                   the next daemon is started, unless there were too many crashes
//
// Only time in which a daemon serves counts for that limit: starts that fail one after the other, and
// requests that kill each daemon, come to an end however slow the starts are. A daemon that says nothing for
// a minute while it starts is killed.
#ifndef STRATAFS_NATIVE_KEEPER_H_
#define STRATAFS_NATIVE_KEEPER_H_

#include <cstdint>

#include "daemon_start.h"

namespace stratafs {

// Exit statuses of a daemon (src/mount/keeper/keeper.ts).
constexpr int kHandOver = 75;
constexpr int kHopeless = 78;

// Limit of `crashes`.
constexpr uint32_t kMostCrashes = 1000;

struct KeeperMessage {
  // 'K': keep the mount; the two descriptors and the path of the mount point come with it. 'N': leave the
  // mount. 'P': it is still starting. 'E': it ends now. 'S': it serves, or stays mounted because it is busy.
  uint32_t kind;
  // Of 'K': the keeper gives up at this many crashes in so many seconds of service.
  uint32_t crashes;
  uint32_t seconds;
  // Of 'K': the device number of the file system, and the bytes of the path.
  uint32_t major;
  uint32_t minor;
  uint32_t path_length;
};
static_assert(sizeof(KeeperMessage) == 24, "src/mount/keeper/keeper.ts writes 24 bytes");

// Starts the daemon, and stays its parent. `start` is complete but for the keeper's own fields.
[[noreturn]] void RunKeeper(DaemonStart start);

}  // namespace stratafs

#endif  // STRATAFS_NATIVE_KEEPER_H_
