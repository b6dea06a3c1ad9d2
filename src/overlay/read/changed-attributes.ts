// ChangedAttributes: the inodes whose attributes a request has changed beside those that the kernel expects it to change.
//
// The kernel keeps attributes for ever. It drops by itself those of the inode and of the directories that a successful call
// names. It does not know that a copy-up gives an inode, and each directory above it, an inode of the upper: another
// ctime, another number of blocks, a directory another size. Who changes such attributes adds the inode here; the session
// takes the list before it answers, and tells the kernel.
import type { NodeId } from '../../vfs/filesystem.ts';
import type { Inode } from './inode.ts';

const NONE: readonly NodeId[] = [];

export class ChangedAttributes {
  readonly #nodes = new Set<NodeId>();
  #onReport: () => void = () => undefined;

  add({ nodeId }: Inode): void {
    this.#nodes.add(nodeId);
  }

  /** What was added belongs to no call that is still to be answered: somebody should take it now. */
  report(): void {
    if (this.#nodes.size > 0) this.#onReport();
  }

  /** `listener` is called when there is something to take outside of a call. */
  onReport(listener: () => void): void {
    this.#onReport = listener;
  }

  /** The nodes that were added since the last call. */
  take(): readonly NodeId[] {
    if (this.#nodes.size === 0) return NONE;
    const taken = [...this.#nodes];
    this.#nodes.clear();
    return taken;
  }
}
