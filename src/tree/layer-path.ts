// Finds the path of a dentry in a layer, for messages. An index has no parent pointers, so it searches from the root.
import { DentryKind, type LayerIndex } from '../layer/layer-index.ts';
import { S_IFDIR, S_IFMT } from '../vfs/attr.ts';

/** The bytes of the path, without leading slash; empty if the dentry is not beneath the root. Slow. */
export function pathOfDentry(index: LayerIndex, dentry: number): Uint8Array {
  const parentDentry = new Uint32Array(index.dentryCount);
  for (let directory = 0; directory < index.dentryCount; directory++) {
    const inode = index.dentryTarget[directory] as number;
    if (index.dentryKind[directory] !== DentryKind.inode) continue;
    if (((index.mode[inode] as number) & S_IFMT) !== S_IFDIR) continue;
    const first = index.firstChild[inode] as number;
    parentDentry.fill(directory, first, first + (index.childCount[inode] as number));
  }
  const names: Uint8Array[] = [];
  // The length is bounded so that a damaged index can't cause an endless loop.
  for (let at = dentry; at > 0 && names.length < index.dentryCount; at = parentDentry[at] as number) {
    const start = index.nameOffset[at] as number;
    names.push(index.pool.subarray(start, start + (index.nameLength[at] as number)));
  }
  return Buffer.concat(names.reverse().flatMap((name, i) => (i === 0 ? [name] : [Buffer.from('/'), name])));
}
