// A user who acts as the image's root, as under fakeroot(1), over an upper that keeps owners in xattrs. The kernel checks no
// permissions on such a mount, and gives no other user access.
//
// Every caller counts as root, whose writes take no set-ID bits off. Directories show no sticky bit: where one has it, the
// kernel itself lets only the owner remove a name, whatever the file system says. The bit is kept, also by a chmod(2) that
// was computed without it.
import { Attr, S_IFDIR, S_IFMT } from '../../vfs/attr.ts';
import type { FileSystem, NodeId } from '../../vfs/filesystem.ts';
import { Call } from '../../vfs/operation.ts';
import { type OwnerView, ownersAsStored } from './owner-view.ts';

const S_ISVTX = 0o1000;
const ROOT = 0;

const asRoot = ({ pid }: Call): Call => new Call(ROOT, ROOT, pid);

export const fakeRootOwners: OwnerView = {
  ...ownersAsStored,
  isAsStored: false,
  hidesStickyBits: true,
  killsPrivileges: false,
  showMode: (mode) => ((mode & S_IFMT) === S_IFDIR ? mode & ~S_ISVTX : mode),
  makerOf: asRoot,
  actorOf: asRoot,
  storeChanges(changes, node, fileSystem) {
    changes.killsPrivileges = false;
    if (changes.mode !== undefined && isSticky(fileSystem, node)) changes.mode |= S_ISVTX;
    return 0;
  },
};

function isSticky(fileSystem: FileSystem, node: NodeId): boolean {
  const attr = new Attr();
  const status = fileSystem.getattr(node, attr);
  return status === 0 && (attr.mode & S_IFMT) === S_IFDIR && (attr.mode & S_ISVTX) !== 0;
}
