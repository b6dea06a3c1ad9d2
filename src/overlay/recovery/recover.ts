// Recovery: runs when a writable overlay is opened, before it answers any request. It removes or completes the files that a
// killed daemon has left in W, and completes the hard links that another program has left in the upper.
//
// The order matters. Clearing W/work may move a file to W/stratafs-links, which the next step reads. Both run before any upper
// directory is read: the copy of an inode with several names must be registered before its names are found.
import { errnoName } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { InputError } from '../../vfs/input-error.ts';
import type { CopyUpParts } from '../copy-up/copy-up-parts.ts';
import type { DirectoryInode } from '../read/directory-inode.ts';
import { completeIndexedLinks } from './complete-links.ts';
import { recoverSharedCopies } from './shared-entries.ts';
import { clearWorkDirectory } from './work-directory.ts';

/** Does nothing if the upper is read-only. InputError if a step fails. */
export function recover(
  parts: CopyUpParts,
  root: DirectoryInode,
  { keepsIndex }: { readonly keepsIndex: boolean },
): void {
  if (parts.upper.workFd < 0) return;
  throwOnFailure(clearWorkDirectory(parts), "the work directory can't be cleared");
  throwOnFailure(recoverSharedCopies(parts), "stratafs-links in the work directory can't be used");
  if (!keepsIndex)
    throwOnFailure(completeIndexedLinks(parts, root), "the upper directory can't be read through");
}

function throwOnFailure(status: Status, problem: string): void {
  if (status < 0) throw new InputError(`${problem}: ${errnoName(status)}`);
}
