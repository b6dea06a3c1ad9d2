// OverlayState: the parts of one writable overlay, wired together; what the operations of this folder work on.
import { listNames, syncFileSystemLater } from '../../sys/upper-calls.ts';
import type { Tree } from '../../tree/tree.ts';
import { TreeNames } from '../../tree/tree-names.ts';
import type { BlobReader } from '../../vfs/blob-reader.ts';
import { Attributes } from '../read/attributes.ts';
import { Background } from './background.ts';
import { ChangedAttributes } from '../read/changed-attributes.ts';
import { visibleNames } from '../copy-up/copied-names.ts';
import { completeIndexedLinks } from '../copy-up/complete-links.ts';
import { Directories } from '../read/directories.ts';
import type { DirectoryInode } from '../read/directory-inode.ts';
import { Inodes } from '../read/inodes.ts';
import { LostNames } from '../read/lost-names.ts';
import { LowerContent } from '../read/lower-content.ts';
import { MergedListing } from '../read/merged-listing.ts';
import { Resolver } from '../read/resolve.ts';
import { recoverShared } from '../copy-up/shared-copies.ts';
import { errnoName } from '../../vfs/errno.ts';
import { InputError } from '../../vfs/input-error.ts';
import { clearVolatile } from '../upper/volatile-mark.ts';
import { clearWorkDirectory } from '../upper/work-directory.ts';
import { NO_NAME, type Upper } from '../upper/upper.ts';

export class OverlayState {
  readonly tree: Tree;
  readonly upper: Upper;
  readonly content: LowerContent;
  readonly inodes: Inodes;
  readonly attributes: Attributes;
  readonly directories: Directories;
  readonly listing: MergedListing;
  readonly changed = new ChangedAttributes();
  /** Links that the names of shared copies get after the copy-up was answered. */
  readonly linking = new Background();
  /** Whom what is made belongs to at first. */
  readonly daemonUid = process.geteuid?.() ?? 0;
  readonly daemonGid = process.getegid?.() ?? 0;
  readonly root: DirectoryInode;
  /** Earlier mounts may have hidden names of hard-linked lower inodes: how many is counted when somebody asks. */
  readonly countsLinks: boolean;
  #names: TreeNames | undefined;

  /** InputError where the work directory can't be cleared. */
  constructor(tree: Tree, readers: readonly BlobReader[], upper: Upper) {
    this.tree = tree;
    this.upper = upper;
    this.content = new LowerContent(tree, readers);
    this.inodes = new Inodes(tree, upper);
    this.attributes = new Attributes(tree, upper);
    const resolver = new Resolver(tree, () => this.names, upper, this.inodes);
    const lostNames = isEmpty(upper)
      ? undefined
      : new LostNames(tree, this.inodes, (lower) => this.#countNames(lower));
    this.countsLinks = lostNames !== undefined;
    this.directories = new Directories(
      tree,
      upper,
      this.inodes,
      resolver,
      this.attributes,
      this.changed,
      lostNames,
    );
    this.listing = new MergedListing(tree, this.inodes, this.directories);

    const root = this.inodes.addDirectory(0, 0, undefined, '');
    this.root = root;
    root.hasUpperDirectory = true;
    root.isLoaded = false;
    const marks = upper.readMarks(upper.upperFd, NO_NAME);
    root.hasXattrWhiteouts = typeof marks !== 'number' && marks.opaque === 'x';
    root.isImpure = typeof marks !== 'number' && marks.isImpure;
    const cleared = upper.workFd < 0 ? 0 : clearWorkDirectory(this);
    if (cleared < 0) throw new InputError(`the work directory can't be cleared: ${errnoName(cleared)}`);
    const recovered = upper.baseFd < 0 ? 0 : recoverShared(this);
    if (recovered < 0)
      throw new InputError(`stratafs-links in the work directory can't be used: ${errnoName(recovered)}`);
    const completed = upper.baseFd < 0 ? 0 : completeIndexedLinks(this, upper.baseFd);
    if (completed < 0)
      throw new InputError(`the upper directory can't be read through: ${errnoName(completed)}`);
  }

  /**
   * Waits for what is being copied, and closes every descriptor. What was fsynced is on the disk, the rest gets there as
   * all that a process writes. A volatile upper is synced, and keeps its mark where that fails. umount(8) doesn't wait for
   * us, and who unmounts next what lies below must not find it busy.
   */
  async close(): Promise<void> {
    await Promise.all(this.inodes.copies());
    await this.linking.ended();
    this.inodes.close();
    const { isVolatile, syncsAtEnd, upperFd, workFd } = this.upper;
    if (isVolatile && syncsAtEnd && workFd >= 0) {
      // The descriptor is as old as the mount: errors of writing back since then are reported (Linux 5.8).
      const synced = await syncFileSystemLater(upperFd);
      if (synced === 0) clearVolatile(workFd);
    }
    this.upper.close();
  }

  #countNames(lower: number): number {
    const names = visibleNames(this, lower);
    return typeof names === 'number' ? names : names.length;
  }

  /** From the tree's inodes to their names; made when first asked for. */
  get names(): TreeNames {
    this.#names ??= new TreeNames(this.tree);
    return this.#names;
  }
}

/** True where nothing was ever written. */
function isEmpty(upper: Upper): boolean {
  const names = listNames(upper.upperFd);
  return typeof names !== 'number' && names.length === 0;
}
