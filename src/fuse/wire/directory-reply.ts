// DirectoryReply: packs directory entries into a Reply, as READDIR and READDIRPLUS want them.
//
// struct fuse_dirent: ino (u64), off (u64), namelen (u32), type (u32), name, padded to 8 bytes.
// struct fuse_direntplus: fuse_entry_out (128 bytes), then the fuse_dirent.
import type { DirectorySink, Entry, NodeId } from '../../vfs/filesystem.ts';
import { DIRENT_HEADER_SIZE, ENTRY_OUT_SIZE, OUT_HEADER_SIZE } from './protocol.ts';
import type { Reply } from './reply.ts';

/** For how many seconds the kernel may cache a node's attributes; OpenFileTable implements it. */
interface AttrValidity {
  attrValidity(node: NodeId): number;
}

export class DirectoryReply implements DirectorySink {
  wantsAttributes = false;
  readonly #reply: Reply;
  readonly #validity: AttrValidity;
  #end = OUT_HEADER_SIZE;
  #limit = OUT_HEADER_SIZE;

  constructor(reply: Reply, validity: AttrValidity) {
    this.#reply = reply;
    this.#validity = validity;
  }

  /** Begins a listing of at most `size` bytes. */
  begin(size: number, wantsAttributes: boolean): void {
    this.wantsAttributes = wantsAttributes;
    this.#end = OUT_HEADER_SIZE;
    this.#limit = OUT_HEADER_SIZE + Math.min(size, this.#reply.capacity);
  }

  add(names: Uint8Array, start: number, end: number, cookie: number, entry: Entry): boolean {
    const reply = this.#reply;
    const nameLength = end - start;
    const plus = this.wantsAttributes ? ENTRY_OUT_SIZE : 0;
    const at = this.#end;
    const next = at + ((plus + DIRENT_HEADER_SIZE + nameLength + 7) & ~7);
    if (next > this.#limit) return false;
    if (plus !== 0) {
      // "." and "..": what the kernel doesn't look at.
      if (entry.nodeId === 0) reply.bytes.fill(0, at, at + plus);
      else reply.entry(at, entry, this.#validity.attrValidity(entry.nodeId));
    }
    const dirent = at + plus;
    reply.u64(dirent, entry.attr.ino);
    reply.u64(dirent + 8, cookie);
    reply.u32(dirent + 16, nameLength);
    reply.u32(dirent + 20, entry.attr.mode >>> 12);
    const bytes = reply.bytes;
    let to = dirent + DIRENT_HEADER_SIZE;
    for (let from = start; from < end; from++) bytes[to++] = names[from] as number;
    while (to < next) bytes[to++] = 0;
    this.#end = next;
    return true;
  }

  /** Ends the listing: the length of the whole reply. */
  finish(unique: number): number {
    return this.#reply.finish(unique, this.#end - OUT_HEADER_SIZE);
  }
}
