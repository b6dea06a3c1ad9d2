// Writes an EROFS image from a Tree, in order and with bounded memory: a plan of a few bytes an inode, and one buffer.
import { Attr, S_IFLNK, S_IFMT, S_IFREG } from '../vfs/attr.ts';
import { InputError } from '../vfs/input-error.ts';
import { Extent } from '../tree/tree.ts';
import { encodeDirectory } from './directory.ts';
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
import { type ImagePlan, type PlannedFile, isInline, planImage } from './plan.ts';
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

class ImageWriter {
  readonly #source: ErofsSource;
  readonly #plan: ImagePlan;
  readonly #out: Output;
  readonly #attr = new Attr();
  readonly #extent = new Extent();
  /** The next free block of names, and of copied bytes. */
  #nameBlock: number;
  #copyBlock: number;

  constructor(source: ErofsSource, plan: ImagePlan, sink: ErofsSink) {
    this.#source = source;
    this.#plan = plan;
    this.#out = new Output(sink);
    this.#nameBlock = plan.namesStart / BLOCK;
    this.#copyBlock = plan.bytesStart / BLOCK;
  }

  async write(): Promise<void> {
    const { tree, devices, uuid = NO_UUID } = this.#source;
    const { xattrs, xattrStart, metaStart, nids, end, leftOut, namesStart, bytesStart } = this.#plan;
    const out = this.#out;
    await out.write(
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
    await out.padTo(xattrStart);
    for (const entry of xattrs.shared) await out.write(entry);
    for (const inode of this.#directories()) await this.#writeDirectory(inode);
    for (let inode = 0; inode < tree.inodeCount; inode++) {
      if (tree.isDirectory(inode) || nids[inode] === 0) continue;
      const type = tree.modeOf(inode) & S_IFMT;
      if (type === S_IFREG) await this.#writeFile(inode);
      else if (type === S_IFLNK) await this.#writeSymlink(inode);
      else await this.#writeInode(inode, Layout.flatPlain, tree.rdevOf(inode), 0);
    }
    await out.padTo(namesStart);
    for (const inode of this.#directories()) {
      const names = this.#namesOf(inode);
      await out.write(names.subarray(0, names.length - (names.length % BLOCK)));
    }
    for (let inode = 0; inode < tree.inodeCount; inode++) {
      if ((tree.modeOf(inode) & S_IFMT) !== S_IFLNK || isInline(tree.sizeOf(inode))) continue;
      await out.write(tree.readlink(inode));
      await out.padTo(alignUp(out.position, BLOCK));
    }
    await out.padTo(bytesStart);
    for (const [inode, file] of this.#plan.files) await this.#copyFile(inode, file);
    await out.padTo(end);
    await out.flush();
  }

  *#directories(): Generator<number> {
    yield* this.#plan.directorySizes.keys();
  }

  #namesOf(inode: number): Buffer {
    const { nids, directorySizes } = this.#plan;
    return encodeDirectory(this.#source.tree, inode, directorySizes.get(inode) as number, {
      nidOf: (child) => nids[child] as number,
      isLeftOut: (child) => nids[child] === 0,
    });
  }

  async #writeDirectory(inode: number): Promise<void> {
    const size = this.#plan.directorySizes.get(inode) as number;
    const tail = size % BLOCK;
    const layout = tail === 0 ? Layout.flatPlain : Layout.flatInline;
    const block = this.#nameBlock;
    this.#nameBlock += Math.floor(size / BLOCK);
    await this.#writeInode(inode, layout, block, size);
    if (tail > 0) await this.#out.write(this.#namesOf(inode).subarray(size - tail));
  }

  async #writeSymlink(inode: number): Promise<void> {
    const size = this.#source.tree.sizeOf(inode);
    if (isInline(size)) {
      await this.#writeInode(inode, Layout.flatInline, 0, size);
      await this.#out.write(this.#source.tree.readlink(inode));
      return;
    }
    const block = this.#nameBlock;
    this.#nameBlock += Math.ceil(size / BLOCK);
    await this.#writeInode(inode, Layout.flatPlain, block, size);
  }

  async #writeFile(inode: number): Promise<void> {
    const { tree, layers } = this.#source;
    const size = tree.sizeOf(inode);
    if (size === 0) {
      await this.#writeInode(inode, Layout.flatPlain, 0, 0);
      return;
    }
    const layer = layers[tree.layerOf(inode)] as ErofsLayer;
    const device = layer.device === undefined ? 0 : layer.device + 1;
    const file = this.#plan.files.get(inode);
    const bits = file?.bits ?? wholeFileBits(size);
    await this.#writeInode(inode, Layout.chunkBased, bits | CHUNK_INDEXES, size);
    await this.#out.padTo(alignUp(this.#out.position, CHUNK_INDEX_SIZE));
    if (file === undefined) {
      await this.#writeIndex(device, blockOfWhole(tree, inode, layer, this.#extent));
      return;
    }
    for (const { kind, block, length } of chunksOf(tree, inode, layer, file)) {
      if (kind === 'hole') await this.#writeIndex(0, HOLE);
      else if (kind === 'device') await this.#writeIndex(device, block);
      else {
        await this.#writeIndex(0, this.#copyBlock);
        this.#copyBlock += Math.ceil(length / BLOCK);
      }
    }
  }

  async #writeIndex(device: number, block: number): Promise<void> {
    const out = this.#out;
    if (!out.hasRoom(CHUNK_INDEX_SIZE)) await out.flush();
    out.view.setUint16(out.cursor + 2, device, true);
    out.view.setUint32(out.cursor + 4, block, true);
    out.advance(CHUNK_INDEX_SIZE);
  }

  /** Writes an inode and its xattrs at the place that the plan has for it. `union` is i_u. */
  async #writeInode(inode: number, layout: Layout, union: number, size: number): Promise<void> {
    const { tree } = this.#source;
    const { nids, metaStart, xattrs } = this.#plan;
    const out = this.#out;
    const attr = this.#attr;
    const nid = nids[inode] as number;
    await out.padTo(metaStart + nid * SLOT);
    if (!out.hasRoom(INODE_SIZE)) await out.flush();
    const area = xattrs.areaOf(inode);
    tree.readAttr(inode, attr);
    const { view, cursor: at } = out;
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
    out.advance(INODE_SIZE);
    if (area !== undefined) await out.write(area);
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
        await this.#out.write(bytes);
      }
      await this.#out.padTo(alignUp(this.#out.position, BLOCK));
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
