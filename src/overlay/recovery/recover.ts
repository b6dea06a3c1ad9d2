// Recovery: what the opening of a writable overlay does before the overlay answers anything. It finishes or removes what
// a daemon that was killed has left in W, and what another program has left in the upper.
//
// The order matters. Clearing W/work may move a file to W/stratafs-links; the next step reads that directory. Both run
// before any upper directory is read, so that a copy of a file with several names is known by its inode first.
import { errnoName } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { InputError } from '../../vfs/input-error.ts';
import type { CopyUpParts } from '../copy-up/copy-up-parts.ts';
import type { DirectoryInode } from '../read/directory-inode.ts';
import { completeIndexedLinks } from './complete-links.ts';
import { recoverSharedCopies } from './shared-entries.ts';
import { clearWorkDirectory } from './work-directory.ts';

/** Changes nothing where the upper is open for reading only. InputError where a step fails. */
export function recover(parts: CopyUpParts, root: DirectoryInode): void {
  if (parts.upper.workFd < 0) return;
  throwOnFailure(clearWorkDirectory(parts), "the work directory can't be cleared");
  throwOnFailure(recoverSharedCopies(parts), "stratafs-links in the work directory can't be used");
  throwOnFailure(completeIndexedLinks(parts, root), "the upper directory can't be read through");
}

function throwOnFailure(status: Status, problem: string): void {
  if (status < 0) throw new InputError(`${problem}: ${errnoName(status)}`);
}
