// Writes an EROFS image from a Tree, in order and with bounded memory: a plan of a few bytes an inode, and one buffer.
import { Attr, S_IFLNK, S_IFMT, S_IFREG } from '../vfs/attr.ts';
import { InputError } from '../vfs/input-error.ts';
import { Extent } from '../tree/tree.ts';
import { DirectoryNames } from './directory.ts';
import { blockOfWhole, chunksOf, wholeFileBits } from './file-chunks.ts';
import {
  BLOCK,
  CHUNK_INDEXES,
  CHUNK_INDEX_SIZE,
  HOLE,
  INODE_SIZE,
  Inode,
  Layout,
  SLOT,
  alignUp,
  encodeSuperblock,
} from './layout.ts';
import { Output } from './output.ts';
import { type ImagePlan, planImage, splitNames } from './plan.ts';
import type { PlannedFile } from './plan-files.ts';
import { readLayer } from './read-layer.ts';
import type { ErofsImage, ErofsLayer, ErofsSink, ErofsSource } from './source.ts';
import { xattrCountOf } from './xattrs.ts';

const COPY_SIZE = 1 << 20;
const NO_UUID = new Uint8Array(16);

/**
 * Writes the image to `sink`. The same source gives the same bytes. Throws InputError for what an EROFS image can't hold
 * and for a layer that ends early or was changed meanwhile, ErrnoError if a layer can't be read, and what `sink` throws.
 */
export async function writeErofsImage(source: ErofsSource, sink: ErofsSink): Promise<ErofsImage> {
  const plan = await planImage(source);
  const writer = new ImageWriter(source, plan, sink);
  await writer.write();
  for (const { reader } of source.layers) {
    if (reader.isSourceChanged?.() !== true) continue;
    throw new InputError('the archive was changed while its EROFS image was written; try again', {
      code: 'ERR_STRATAFS_CHANGED',
    });
  }
  return { size: plan.end, copiedBytes: plan.copiedBytes, leftOut: plan.leftOut };
}

/** The number of the layer's device in a chunk index; 0: the image itself. */
function deviceId({ device }: ErofsLayer): number {
  return device === undefined ? 0 : device + 1;
}

class ImageWriter {
  readonly #source: ErofsSource;
  readonly #plan: ImagePlan;
  readonly #out: Output;
  readonly #names: DirectoryNames;
  readonly #attr = new Attr();
  readonly #extent = new Extent();
  /** The next free block of names, and of copied bytes. */
  #nameBlock: number;
  #copyBlock: number;

  constructor(source: ErofsSource, plan: ImagePlan, sink: ErofsSink) {
    this.#source = source;
    this.#plan = plan;
    this.#out = new Output(sink);
    this.#names = new DirectoryNames(source.tree, (inode) => plan.nids[inode] === 0);
    this.#nameBlock = plan.namesStart / BLOCK;
    this.#copyBlock = plan.bytesStart / BLOCK;
  }

  async write(): Promise<void> {
    const out = this.#out;
    this.#writeSuperblock();
    for (const entry of this.#plan.xattrs.shared) {
      out.put(entry);
      if (out.needsDrain) await out.drain();
    }
    await this.#writeInodes();
    await this.#writeNames();
    out.padTo(this.#plan.bytesStart);
    for (const [inode, file] of this.#plan.files) await this.#copyFile(inode, file);
    out.padTo(this.#plan.end);
    await out.flush();
  }

  #writeSuperblock(): void {
    const { tree, devices, uuid = NO_UUID } = this.#source;
    const { xattrStart, metaStart, nids, end, leftOut } = this.#plan;
    this.#out.put(
      encodeSuperblock({
        rootNid: nids[0] as number,
        inodes: tree.inodeCount - leftOut,
        blocks: end / BLOCK,
        metaBlock: metaStart / BLOCK,
        xattrBlock: xattrStart / BLOCK,
        uuid,
        deviceBlocks: devices.map(({ size }) => Math.ceil(size / BLOCK)),
      }),
    );
    this.#out.padTo(xattrStart);
  }

  async #writeInodes(): Promise<void> {
    const { tree } = this.#source;
    const { nids, directorySizes } = this.#plan;
    const out = this.#out;
    for (const [inode, size] of directorySizes) {
      this.#writeDirectory(inode, size);
      if (out.needsDrain) await out.drain();
    }
    for (let inode = 0; inode < tree.inodeCount; inode++) {
      if (tree.isDirectory(inode) || nids[inode] === 0) continue;
      const type = tree.modeOf(inode) & S_IFMT;
      if (type === S_IFREG) {
        const file = this.#writeFile(inode);
        if (file !== undefined) await this.#writeChunks(inode, file);
      } else if (type === S_IFLNK) this.#writeSymlink(inode);
      else this.#writeInode(inode, Layout.flatPlain, tree.rdevOf(inode), 0);
      if (out.needsDrain) await out.drain();
    }
    out.padTo(this.#plan.namesStart);
  }

  /** The whole blocks of directories, and the targets of symlinks that are not inline. */
  async #writeNames(): Promise<void> {
    const { tree } = this.#source;
    const { nids, directorySizes } = this.#plan;
    const out = this.#out;
    for (const [inode, size] of directorySizes) {
      const { blocks } = this.#split(inode, size);
      if (blocks === 0) continue;
      this.#names.open(inode);
      this.#names.encode(
        nids,
        (block) => block < blocks,
        () => this.#reserve(BLOCK),
      );
      if (out.needsDrain) await out.drain();
    }
    for (let inode = 0; inode < tree.inodeCount; inode++) {
      if ((tree.modeOf(inode) & S_IFMT) !== S_IFLNK) continue;
      const { blocks } = this.#split(inode, tree.sizeOf(inode));
      if (blocks === 0) continue;
      const target = tree.readlink(inode);
      out.put(target.subarray(0, blocks * BLOCK));
      out.padTo(alignUp(out.position, BLOCK));
      if (out.needsDrain) await out.drain();
    }
  }

  #reserve(length: number): { bytes: Buffer; view: DataView; at: number } {
    const at = this.#out.reserve(length);
    return { bytes: this.#out.bytes, view: this.#out.view, at };
  }

  /** How the names of a directory, or the target of a symlink, lie. */
  #split(inode: number, size: number): { readonly blocks: number; readonly tail: number } {
    return splitNames(INODE_SIZE + (this.#plan.xattrs.areaOf(inode)?.length ?? 0), size);
  }

  /** Writes the inode of a directory or a symlink of `size` bytes. Returns how they lie. */
  #writeNameInode(inode: number, size: number): { readonly blocks: number; readonly tail: number } {
    const split = this.#split(inode, size);
    const layout = split.tail === 0 ? Layout.flatPlain : Layout.flatInline;
    this.#writeInode(inode, layout, this.#nameBlock, size);
    this.#nameBlock += split.blocks;
    return split;
  }

  #writeDirectory(inode: number, size: number): void {
    const { blocks, tail } = this.#writeNameInode(inode, size);
    if (tail === 0) return;
    this.#names.open(inode);
    this.#names.encode(
      this.#plan.nids,
      (block) => block === blocks,
      (length) => this.#reserve(length),
    );
  }

  #writeSymlink(inode: number): void {
    const target = this.#source.tree.readlink(inode);
    const { tail } = this.#writeNameInode(inode, target.length);
    if (tail > 0) this.#out.put(target.subarray(target.length - tail));
  }

  /** Returns the file if its chunk indexes are still to be written. */
  #writeFile(inode: number): PlannedFile | undefined {
    const { tree, layers } = this.#source;
    const size = tree.sizeOf(inode);
    if (size === 0) {
      this.#writeInode(inode, Layout.flatPlain, 0, 0);
      return undefined;
    }
    const file = this.#plan.files.get(inode);
    const bits = file?.bits ?? wholeFileBits(size);
    this.#writeInode(inode, Layout.chunkBased, bits | CHUNK_INDEXES, size);
    this.#out.padTo(alignUp(this.#out.position, CHUNK_INDEX_SIZE));
    if (file !== undefined) return file;
    const layer = layers[tree.layerOf(inode)] as ErofsLayer;
    this.#writeIndex(deviceId(layer), blockOfWhole(tree, inode, layer, this.#extent));
    return undefined;
  }

  async #writeChunks(inode: number, file: PlannedFile): Promise<void> {
    const { tree, layers } = this.#source;
    const layer = layers[tree.layerOf(inode)] as ErofsLayer;
    for (const { kind, block, length } of chunksOf(tree, inode, layer, file)) {
      if (kind === 'hole') this.#writeIndex(0, HOLE);
      else if (kind === 'device') this.#writeIndex(deviceId(layer), block);
      else {
        this.#writeIndex(0, this.#copyBlock);
        this.#copyBlock += Math.ceil(length / BLOCK);
      }
      if (this.#out.needsDrain) await this.#out.drain();
    }
  }

  #writeIndex(device: number, block: number): void {
    const at = this.#out.reserve(CHUNK_INDEX_SIZE);
    const { view } = this.#out;
    view.setUint16(at + 2, device, true);
    view.setUint32(at + 4, block, true);
  }

  /** Writes an inode and its xattrs at the place that the plan has for it. `union` is i_u. */
  #writeInode(inode: number, layout: Layout, union: number, size: number): void {
    const { tree } = this.#source;
    const { nids, metaStart, xattrs } = this.#plan;
    const out = this.#out;
    const attr = this.#attr;
    const nid = nids[inode] as number;
    out.padTo(metaStart + nid * SLOT);
    const area = xattrs.areaOf(inode);
    tree.readAttr(inode, attr);
    const at = out.reserve(INODE_SIZE);
    const { view } = out;
    view.setUint16(at + Inode.format, 1 | (layout << 1), true);
    view.setUint16(at + Inode.xattrCount, xattrCountOf(area?.length ?? 0), true);
    view.setUint16(at + Inode.mode, attr.mode, true);
    view.setUint32(at + Inode.size, size >>> 0, true);
    view.setUint32(at + Inode.size + 4, Math.floor(size / 2 ** 32), true);
    view.setUint32(at + Inode.union, union, true);
    view.setUint32(at + Inode.ino, nid, true);
    view.setUint32(at + Inode.uid, attr.uid, true);
    view.setUint32(at + Inode.gid, attr.gid, true);
    view.setUint32(at + Inode.mtime, attr.mtimeSec % 2 ** 32, true);
    view.setInt32(at + Inode.mtime + 4, Math.floor(attr.mtimeSec / 2 ** 32), true);
    view.setUint32(at + Inode.mtimeNsec, attr.mtimeNsec, true);
    view.setUint32(at + Inode.nlink, attr.nlink, true);
    if (area !== undefined) out.put(area);
  }

  async #copyFile(inode: number, file: PlannedFile): Promise<void> {
    const { tree, layers } = this.#source;
    const layer = layers[tree.layerOf(inode)] as ErofsLayer;
    if (file.copiedBlocks === 0) return;
    for (const { kind, start, length } of chunksOf(tree, inode, layer, file)) {
      if (kind !== 'copied') continue;
      for (let done = 0; done < length; done += COPY_SIZE) {
        const bytes = new Uint8Array(Math.min(COPY_SIZE, length - done));
        await this.#readFile(inode, layer, start + done, bytes);
        this.#out.put(bytes);
        await this.#out.drain();
      }
      this.#out.padTo(alignUp(this.#out.position, BLOCK));
    }
  }

  /** Fills `out`, which is all zeros, with the bytes of a file from `offset` on. */
  async #readFile(inode: number, layer: ErofsLayer, offset: number, out: Uint8Array): Promise<void> {
    const { tree } = this.#source;
    for (let done = 0; done < out.length;) {
      tree.mapExtent(inode, offset + done, out.length - done, this.#extent);
      const { blobOffset, length } = this.#extent;
      if (blobOffset >= 0) {
        const filled = await readLayer(layer.reader, blobOffset, out.subarray(done, done + length));
        if (filled < length) {
          throw new InputError(`a layer ends at byte ${blobOffset + filled}, inside a file's bytes`);
        }
      }
      done += length;
    }
  }
}
