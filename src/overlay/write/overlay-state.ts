// OverlayState: the parts of one writable overlay, wired together. All operations in this folder get it as their first argument.
//
// Building it only reads the upper's root. Recovery is a step of its own (overlay/recovery), so the state can also be built on an
// upper that a mount is using.
import { NO_NAME, listNames, syncFileSystemLater } from '../../sys/upper-calls.ts';
import type { Tree } from '../../tree/tree.ts';
import { TreeNames } from '../../tree/tree-names.ts';
import type { BlobReader } from '../../vfs/blob-reader.ts';
import { Background } from '../copy-up/background.ts';
import type { CopyUpParts } from '../copy-up/copy-up-parts.ts';
import { Attributes } from '../read/attributes.ts';
import { ChangedAttributes } from '../read/changed-attributes.ts';
import { Directories } from '../read/directories.ts';
import type { DirectoryInode } from '../read/directory-inode.ts';
import { Inodes } from '../read/inodes.ts';
import { LostNames } from '../read/lost-names.ts';
import { LowerContent } from '../read/lower-content.ts';
import { MergedListing } from '../read/merged-listing.ts';
import { Resolver } from '../read/resolve.ts';
import { UpperRows } from '../read/upper-rows.ts';
import { visibleNames } from '../read/visible-names.ts';
import type { Upper } from '../upper/upper.ts';
import { clearVolatile } from '../upper/volatile-mark.ts';

/** The state of the upper's root directory. */
interface UpperRoot {
  /** Nothing was ever written to the upper. */
  readonly isEmpty: boolean;
  readonly hasXattrWhiteouts: boolean;
  readonly isImpure: boolean;
  readonly protection: number;
}

/** Reads the upper's root and builds the state, whose `close` closes `upper`. */
export function openOverlayState(tree: Tree, readers: readonly BlobReader[], upper: Upper): OverlayState {
  const names = listNames(upper.upperFd);
  const marks = upper.readMarks(upper.upperFd, NO_NAME);
  return new OverlayState(tree, readers, upper, {
    isEmpty: typeof names !== 'number' && names.length === 0,
    hasXattrWhiteouts: typeof marks !== 'number' && marks.opaque === 'x',
    isImpure: typeof marks !== 'number' && marks.isImpure,
    protection: typeof marks === 'number' ? 0 : marks.protection,
  });
}

export class OverlayState implements CopyUpParts {
  readonly tree: Tree;
  readonly upper: Upper;
  readonly content: LowerContent;
  readonly inodes: Inodes;
  readonly attributes: Attributes;
  readonly directories: Directories;
  readonly listing: MergedListing;
  readonly changed = new ChangedAttributes();
  readonly upperRows = new UpperRows();
  readonly linking = new Background();
  readonly root: DirectoryInode;
  /** An earlier mount may have hidden names of hard-linked lower inodes: LostNames counts them when it is asked. */
  readonly countsLinks: boolean;
  #names: TreeNames | undefined;

  constructor(tree: Tree, readers: readonly BlobReader[], upper: Upper, upperRoot: UpperRoot) {
    this.tree = tree;
    this.upper = upper;
    this.content = new LowerContent(tree, readers);
    this.inodes = new Inodes(tree, upper, this.upperRows);
    upper.onDirectoryClosed(() => {
      this.upperRows.removeAll();
    });
    this.attributes = new Attributes(tree, upper);
    this.countsLinks = !upperRoot.isEmpty;
    this.directories = new Directories(
      tree,
      upper,
      this.inodes,
      new Resolver(tree, () => this.names, upper, this.inodes),
      this.attributes,
      this.changed,
      this.upperRows,
      this.countsLinks ? new LostNames(tree, this.inodes, (lower) => this.#countNames(lower)) : undefined,
    );
    this.listing = new MergedListing(tree, this.inodes, this.directories);
    this.root = this.inodes.addDirectory(0, 0, undefined, '');
    this.root.hasUpperDirectory = true;
    this.root.isLoaded = false;
    this.root.hasXattrWhiteouts = upperRoot.hasXattrWhiteouts;
    this.root.isImpure = upperRoot.isImpure;
    this.root.protection = upperRoot.protection;
  }

  /**
   * Waits for the copies under way, and closes every descriptor. Fsynced files are on the disk; the kernel writes the rest
   * back in its time, as for any process. A volatile upper is synced here; its mark is removed if that succeeds.
   *
   * Every descriptor is closed when this resolves. umount(8) does not wait for the daemon, and a descriptor would keep the
   * upper's file system busy.
   */
  async close(): Promise<void> {
    await Promise.all(this.inodes.copies());
    await this.linking.ended();
    this.inodes.close();
    const { isVolatile, syncsAtEnd, upperFd, workFd } = this.upper;
    if (isVolatile && syncsAtEnd && workFd >= 0) {
      // The descriptor was opened with the mount, so write-back errors since then are reported here (Linux 5.8).
      const synced = await syncFileSystemLater(upperFd);
      if (synced === 0) clearVolatile(workFd);
    }
    this.upper.close();
  }

  #countNames(lower: number): number {
    const visible = visibleNames(this, lower);
    return typeof visible === 'number' ? visible : visible.length;
  }

  /** Built on first use: it takes memory for every name of the tree. */
  get names(): TreeNames {
    this.#names ??= new TreeNames(this.tree);
    return this.#names;
  }
}
