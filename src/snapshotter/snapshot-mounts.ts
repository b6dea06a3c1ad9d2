// The mounts that containerd makes of a snapshot: in the form of mount(8), one after the other.
//
//   no parent            a bind mount of the snapshot's own directory
//   a view of one lower  a bind mount of that
//   all others           kernel overlayfs over the lowers, and the snapshot's directory as upper if it is active
//
// The lowers are the directories of unpacked parents, topmost first, down to the first layer of an image: from there on one
// mount of stratafs shows all layers of the image merged. So overlayfs looks each name up in one place, and what a container
// writes goes to the disk without a daemon.
import type { Directories } from './directories.ts';
import type { Snapshot } from './snapshot.ts';

/** A mount in the form of containerd. */
export interface SnapshotMount {
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/** The chain beneath a snapshot, divided. */
export interface Lowers {
  /** Unpacked, topmost first. */
  readonly unpacked: readonly Snapshot[];
  /** The uppermost layer of an image and all below it, topmost first; empty without one. */
  readonly image: readonly Snapshot[];
}

/** @param chain topmost first */
export function divideChain(chain: readonly Snapshot[]): Lowers {
  const first = chain.findIndex(({ layer }) => layer !== undefined);
  const end = first < 0 ? chain.length : first;
  return { unpacked: chain.slice(0, end), image: chain.slice(end) };
}

/** The mounts of `snapshot`, which is not committed. `lowers`: directories, topmost first. */
export function mountsOf(
  snapshot: Snapshot,
  lowers: readonly string[],
  directories: Directories,
): SnapshotMount[] {
  const isView = snapshot.kind === 'view';
  const [lowest] = lowers;
  if (lowest === undefined || (isView && lowers.length === 1)) {
    const source = lowest ?? directories.files(snapshot);
    return [{ type: 'bind', source, options: [isView ? 'ro' : 'rw', 'rbind'] }];
  }
  const upper = isView
    ? []
    : [`workdir=${directories.work(snapshot)}`, `upperdir=${directories.files(snapshot)}`];
  // File handles of FUSE do not outlive it.
  const options = ['index=off', ...upper, `lowerdir=${lowers.join(':')}`];
  return [{ type: 'overlay', source: 'overlay', options }];
}
