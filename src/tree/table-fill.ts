// Fills the Tree's table from a MergePlan: measures, allocates once, copies column by column.
import { InodeFlag, type LayerIndex } from '../layer/layer-index.ts';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../vfs/attr.ts';
import { FS_APPEND_FL, FS_IMMUTABLE_FL } from '../vfs/inode-flags.ts';
import { InputError } from '../vfs/input-error.ts';
import { copyExtents, measureExtents } from './extents.ts';
import { TableFlag, TreeTable } from './layout.ts';
import type { MergePlan } from './merge-plan.ts';
import type { FileSource } from './redirects.ts';

/** Limit of the bytes of names with symlink targets, and of the bytes of xattrs: their offsets have 32 bits. */
const MAX_BYTES = 0xffff_fff0;

/** Throws InputError if names or xattrs exceed the 32-bit offsets of the table. */
export function fillTable(plan: MergePlan, indexes: readonly LayerIndex[]): TreeTable {
  const xattrBase = placeXattrs(plan, indexes);
  const xattrBytes = xattrBase[indexes.length] as number;
  const { poolBytes, extentNumbers } = measure(plan, indexes);
  if (poolBytes > MAX_BYTES || xattrBytes > MAX_BYTES) {
    const [what, found] = poolBytes > MAX_BYTES ? ['names', poolBytes] : ['xattrs', xattrBytes];
    throw new InputError(`the image has ${found} bytes of ${what}, expected at most ${MAX_BYTES}`);
  }
  const table = TreeTable.create({
    inodes: plan.inodeCount,
    dentries: plan.dentryCount,
    layers: indexes.length,
    extentNumbers,
    poolBytes,
    xattrBytes,
  });
  fillXattrs(table, indexes, xattrBase);
  const poolEnd = fillDentries(table, plan, indexes);
  fillInodes(table, plan, indexes, xattrBase, poolEnd);
  return table;
}

/**
 * The offset of each layer's xattrs, and one more element: the end. Inodes share xattr blocks, so whole layers are
 * copied, but only those in which an inode with xattrs is visible.
 */
function placeXattrs(plan: MergePlan, indexes: readonly LayerIndex[]): Float64Array {
  const isNeeded = new Uint8Array(indexes.length);
  for (let inode = 0; inode < plan.inodeCount; inode++) {
    const layer = plan.inodeLayer[inode] as number;
    if (indexes[layer]?.xattr[plan.inodeSource[inode] as number] !== 0) isNeeded[layer] = 1;
  }
  const base = new Float64Array(indexes.length + 1);
  for (const [layer, index] of indexes.entries()) {
    base[layer + 1] = (base[layer] as number) + (isNeeded[layer] === 1 ? index.xattrs.length : 0);
  }
  return base;
}

function measure(
  plan: MergePlan,
  indexes: readonly LayerIndex[],
): { poolBytes: number; extentNumbers: number } {
  let poolBytes = 0;
  let extentNumbers = 0;
  for (let dentry = 0; dentry < plan.dentryCount; dentry++) {
    const index = indexes[plan.dentryLayer[dentry] as number] as LayerIndex;
    poolBytes += index.nameLength[plan.dentrySource[dentry] as number] as number;
  }
  for (let inode = 1; inode < plan.inodeCount; inode++) {
    const { layer, inode: source } = dataSourceOf(plan, inode);
    const index = indexes[layer] as LayerIndex;
    if (((index.mode[source] as number) & S_IFMT) === S_IFLNK) poolBytes += index.size[source] as number;
    if (((index.inodeFlags[source] as number) & InodeFlag.sparse) !== 0) {
      extentNumbers += measureExtents(index.extents, index.dataOffset[source] as number);
    }
  }
  return { poolBytes, extentNumbers };
}

/**
 * Copies the xattrs. They are searched for the names of ACLs without parsing: a false hit costs only a few requests.
 */
function fillXattrs(table: TreeTable, indexes: readonly LayerIndex[], xattrBase: Float64Array): void {
  for (const [layer, index] of indexes.entries()) {
    const base = xattrBase[layer] as number;
    if (base === xattrBase[layer + 1]) continue;
    table.xattrs.set(index.xattrs, base);
    const { buffer, byteOffset, byteLength } = index.xattrs;
    if (Buffer.from(buffer, byteOffset, byteLength).includes('system.posix_acl_')) table.hasPosixAcl = true;
  }
}

/** The layer and inode that have the bytes of an inode. */
function dataSourceOf(plan: MergePlan, inode: number): FileSource {
  const layer = plan.inodeLayer[inode] as number;
  return plan.dataSource.get(inode) ?? { layer, inode: plan.inodeSource[inode] as number };
}

/** Returns the end of the names in the pool. */
function fillDentries(table: TreeTable, plan: MergePlan, indexes: readonly LayerIndex[]): number {
  const { pool } = table;
  let end = 0;
  for (let dentry = 0; dentry < plan.dentryCount; dentry++) {
    const index = indexes[plan.dentryLayer[dentry] as number] as LayerIndex;
    const source = plan.dentrySource[dentry] as number;
    const length = index.nameLength[source] as number;
    table.nameOffset[dentry] = end;
    table.nameLength[dentry] = length;
    table.target[dentry] = plan.dentryInode[dentry] as number;
    end = copyBytes(index.pool, index.nameOffset[source] as number, length, pool, end);
  }
  return end;
}

function fillInodes(
  table: TreeTable,
  plan: MergePlan,
  indexes: readonly LayerIndex[],
  xattrBase: Float64Array,
  namesEnd: number,
): void {
  let poolEnd = namesEnd;
  let extentsEnd = 0;
  let totalSize = 0;
  for (let inode = 0; inode < plan.inodeCount; inode++) {
    const layer = plan.inodeLayer[inode] as number;
    const source = plan.inodeSource[inode] as number;
    table.layer[inode] = layer;
    table.nlink[inode] = plan.nlink[inode] as number;
    table.pristine[inode] = 1;
    const index = indexes[layer];
    if (index === undefined) {
      // This happens only to the root of an image without layers.
      table.mode[inode] = S_IFDIR | 0o755;
      continue;
    }
    const mode = index.mode[source] as number;
    const xattr = index.xattr[source] as number;
    table.mode[inode] = mode;
    table.uid[inode] = index.uid[source] as number;
    table.gid[inode] = index.gid[source] as number;
    table.mtimeSec[inode] = index.mtimeSec[source] as number;
    table.mtimeNsec[inode] = index.mtimeNsec[source] as number;
    table.atimeSec[inode] = index.atimeSec[source] as number;
    table.atimeNsec[inode] = index.atimeNsec[source] as number;
    table.xattr[inode] = xattr === 0 ? 0 : xattr + (xattrBase[layer] as number);
    switch (mode & S_IFMT) {
      case S_IFDIR:
        table.sizeWords[2 * inode] = plan.parent[inode] as number;
        table.dataWords[2 * inode] = plan.firstChild[inode] as number;
        table.dataWords[2 * inode + 1] = plan.childCount[inode] as number;
        break;
      case S_IFREG: {
        const data = dataSourceOf(plan, inode);
        const dataIndex = indexes[data.layer] as LayerIndex;
        const size = dataIndex.size[data.inode] as number;
        const dataOffset = dataIndex.dataOffset[data.inode] as number;
        table.layer[inode] = data.layer;
        table.size[inode] = size;
        totalSize += size;
        if (((dataIndex.inodeFlags[data.inode] as number) & InodeFlag.sparse) === 0) {
          table.data[inode] = dataOffset;
          if (((dataIndex.inodeFlags[data.inode] as number) & InodeFlag.cleanTail) !== 0) {
            table.flags[inode] = TableFlag.cleanTail;
          }
        } else {
          table.flags[inode] = TableFlag.sparse;
          table.data[inode] = extentsEnd;
          extentsEnd = copyExtents(dataIndex.extents, dataOffset, table.extents, extentsEnd);
        }
        break;
      }
      case S_IFLNK: {
        const length = index.size[source] as number;
        table.size[inode] = length;
        table.data[inode] = poolEnd;
        poolEnd = copyBytes(index.pool, index.dataOffset[source] as number, length, table.pool, poolEnd);
        break;
      }
      case S_IFCHR:
      case S_IFBLK:
        table.dataWords[2 * inode] = index.rdev[source] as number;
        break;
    }
  }
  table.totalSize = totalSize;
  if (indexes.some(({ protections }) => protections !== undefined)) fillProtections(table, plan, indexes);
  for (const inode of plan.forbidden.keys()) {
    table.flags[inode] = (table.flags[inode] as number) | TableFlag.forbidden;
    table.pristine[inode] = 0;
  }
}

function fillProtections(table: TreeTable, plan: MergePlan, indexes: readonly LayerIndex[]): void {
  for (let inode = 0; inode < plan.inodeCount; inode++) {
    const { protections } = indexes[plan.inodeLayer[inode] as number] as LayerIndex;
    const flags = protections?.get(plan.inodeSource[inode] as number) ?? 0;
    let bits = table.flags[inode] as number;
    if ((flags & FS_IMMUTABLE_FL) !== 0) bits |= TableFlag.immutable;
    if ((flags & FS_APPEND_FL) !== 0) bits |= TableFlag.appendOnly;
    table.flags[inode] = bits;
  }
}

/** Returns the end of the copy. Names are short: a loop is faster than a view and a call, and leaves no garbage. */
function copyBytes(source: Uint8Array, from: number, length: number, target: Uint8Array, to: number): number {
  for (let i = 0; i < length; i++) target[to + i] = source[from + i] as number;
  return to + length;
}
