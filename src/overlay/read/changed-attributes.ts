// ChangedAttributes: the inodes whose attributes a request has changed in addition to those that the kernel expects.
//
// The kernel keeps attributes for ever. After a successful call it drops those of the inode and of the directories that the
// call names. It does not know that a copy-up gives an inode, and each directory above it, an inode of the upper, with another
// ctime and number of blocks, and a directory another size. The code that changes such attributes adds the inode here. The
// session takes the list before it answers, and notifies the kernel.
import type { NodeId } from '../../vfs/filesystem.ts';
import type { Inode } from './inode.ts';

const NONE: readonly NodeId[] = [];

export class ChangedAttributes {
  readonly #nodes = new Set<NodeId>();
  #onReport: () => void = () => undefined;

  add({ nodeId }: Inode): void {
    this.#nodes.add(nodeId);
  }

  /** Notifies the listener: the inodes were added outside of a call, so no answer will take them. */
  report(): void {
    if (this.#nodes.size > 0) this.#onReport();
  }

  /** Sets the listener of `report`. */
  onReport(listener: () => void): void {
    this.#onReport = listener;
  }

  /** Returns the nodes that were added since the last call. */
  take(): readonly NodeId[] {
    if (this.#nodes.size === 0) return NONE;
    const taken = [...this.#nodes];
    this.#nodes.clear();
    return taken;
  }
}
