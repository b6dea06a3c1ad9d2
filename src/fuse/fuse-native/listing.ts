// A directory's whole listing, which the package takes in one answer.
import { Attr } from '../../vfs/attr.ts';
import { EOVERFLOW } from '../../vfs/errno.ts';
import type { DirectorySink, Entry, FileSystem, NodeId } from '../../vfs/filesystem.ts';
import { attrsAsStored } from '../wire/attr-view.ts';
import type { PackageStat } from './package.ts';
import { textOfBytes } from './path-text.ts';
import { statOf } from './stat-form.ts';

export class Listing implements DirectorySink {
  readonly wantsAttributes = false;
  readonly names: string[] = [];
  /** Of each name; only type and inode number are the entry's. */
  readonly stats: PackageStat[] = [];
  #status = 0;
  readonly #attr = new Attr();

  add(names: Uint8Array, start: number, end: number, _cookie: number, entry: Entry): boolean {
    const name = textOfBytes(names.subarray(start, end));
    this.#attr.mode = entry.attr.mode;
    this.#attr.ino = entry.attr.ino;
    const stat = statOf(this.#attr, attrsAsStored);
    if (typeof name === 'number' || typeof stat === 'number') {
      this.#status = typeof name === 'number' ? name : -EOVERFLOW;
      return false;
    }
    this.names.push(name);
    this.stats.push(stat);
    return true;
  }

  /** Lists `node`: 0 or a negative errno, -EILSEQ where a name can't be carried. */
  read(fileSystem: FileSystem, node: NodeId): number {
    const status = fileSystem.readdir(node, 0, this);
    return status < 0 ? status : this.#status;
  }
}
