// Makes a LayerIndex from a description in JavaScript: what the index builder would make of a tar, without the tar.
import { DentryKind, InodeFlag, type LayerIndex } from '../../src/layer/layer-index.ts';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../../src/vfs/attr.ts';

export interface InodeSpec {
  readonly kind: 'inode';
  /** With type bits. */
  mode: number;
  uid: number;
  gid: number;
  rdev: number;
  /** Regular files only. */
  size: number;
  mtime: number;
  /** Offset in the blob. */
  data: number;
  target: string;
  xattrs: Record<string, string>;
  /** Offset in the file, length, offset in the blob. */
  extents: readonly (readonly [number, number, number])[] | undefined;
  /** Bits of InodeFlag other than `sparse`. */
  flags: number;
  /** By name, as latin1. */
  readonly children: Map<string, Spec>;
}
/** An InodeSpec under several names is one inode: hard links. */
export type Spec =
  InodeSpec | { readonly kind: 'whiteout' } | { readonly kind: 'link'; readonly path: string };

export const whiteout: Spec = { kind: 'whiteout' };

/** A hard link to a name of lower layers. */
export function link(path: string): Spec {
  return { kind: 'link', path };
}

function inode(mode: number, fields: Partial<InodeSpec>): InodeSpec {
  return {
    kind: 'inode',
    mode,
    uid: 0,
    gid: 0,
    rdev: 0,
    size: 0,
    mtime: 0,
    data: 0,
    target: '',
    xattrs: {},
    extents: undefined,
    flags: 0,
    children: new Map(),
    ...fields,
  };
}

export function file(fields: Partial<InodeSpec> = {}): InodeSpec {
  return inode(S_IFREG | 0o644, fields);
}

export function symlink(target: string): InodeSpec {
  return inode(S_IFLNK | 0o777, { target });
}

/** Any other type: `mode` with type bits. */
export function special(mode: number, rdev = 0): InodeSpec {
  return inode(mode, { rdev });
}

export type Children = Record<string, Spec>;

export function directory(children: Children = {}, fields: Partial<InodeSpec> = {}): InodeSpec {
  return inode(S_IFDIR | 0o755, { children: new Map(Object.entries(children)), ...fields });
}

/** A directory entry with an opaque marker inside. */
export function opaque(children: Children = {}, fields: Partial<InodeSpec> = {}): InodeSpec {
  return directory(children, { flags: InodeFlag.opaque, ...fields });
}

/** A parent that has no entry of its own. */
export function implicit(children: Children): InodeSpec {
  return directory(children, { flags: InodeFlag.implicit });
}

/** A parent that only whiteouts needed. */
export function carrier(children: Children, flags = 0): InodeSpec {
  return directory(children, { flags: InodeFlag.implicit | InodeFlag.carrier | flags });
}

/** A whole layer: its root has no entry in the tar unless `root` says so. */
export function layer(children: Children, root: Partial<InodeSpec> = {}): LayerIndex {
  return makeLayer(directory(children, { flags: InodeFlag.implicit, ...root }));
}

export function makeLayer(root: InodeSpec): LayerIndex {
  const dentries: { name: string; spec: Spec }[] = [{ name: '', spec: root }];
  const inodes: InodeSpec[] = [root];
  const numbers = new Map<InodeSpec, number>([[root, 0]]);
  const ranges = new Map<InodeSpec, number>();
  // The list grows while it is walked: directories are appended after their parents.
  for (const spec of inodes) {
    ranges.set(spec, dentries.length);
    const sorted = [...spec.children].sort(([a], [b]) =>
      Buffer.compare(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1')),
    );
    for (const [name, child] of sorted) {
      dentries.push({ name, spec: child });
      if (child.kind === 'inode' && !numbers.has(child)) {
        numbers.set(child, inodes.length);
        inodes.push(child);
      }
    }
  }

  const pool: Buffer[] = [];
  let poolEnd = 0;
  const addBytes = (text: string): number => {
    const bytes = Buffer.from(text, 'latin1');
    pool.push(bytes);
    poolEnd += bytes.length;
    return poolEnd - bytes.length;
  };
  const links: number[] = [];
  const targets = dentries.map(({ spec }) => {
    if (spec.kind === 'whiteout') return 0;
    if (spec.kind === 'inode') return numbers.get(spec) as number;
    links.push(addBytes(spec.path), Buffer.from(spec.path, 'latin1').length);
    return links.length / 2 - 1;
  });
  const xattrs: number[] = [];
  const extents: number[] = [];
  const u32 = (value: (spec: InodeSpec) => number): Uint32Array => Uint32Array.from(inodes, value);
  const kinds = { inode: DentryKind.inode, whiteout: DentryKind.whiteout, link: DentryKind.lowerLink };
  const isLink = (spec: InodeSpec): boolean => (spec.mode & S_IFMT) === S_IFLNK;

  return {
    dentryCount: dentries.length,
    inodeCount: inodes.length,
    nameOffset: Uint32Array.from(dentries, ({ name }) => addBytes(name)),
    nameLength: Uint8Array.from(dentries, ({ name }) => name.length),
    dentryKind: Uint8Array.from(dentries, ({ spec }) => kinds[spec.kind]),
    dentryTarget: Uint32Array.from(targets),
    mode: u32((spec) => spec.mode),
    uid: u32((spec) => spec.uid),
    gid: u32((spec) => spec.gid),
    rdev: u32((spec) => spec.rdev),
    size: Float64Array.from(inodes, (spec) => (isLink(spec) ? spec.target.length : spec.size)),
    mtimeSec: Float64Array.from(inodes, (spec) => Math.floor(spec.mtime)),
    mtimeNsec: u32((spec) => Math.round((spec.mtime - Math.floor(spec.mtime)) * 1e9)),
    atimeSec: Float64Array.from(inodes, (spec) => Math.floor(spec.mtime)),
    atimeNsec: u32(() => 7),
    dataOffset: Float64Array.from(inodes, (spec) => {
      if (isLink(spec)) return addBytes(spec.target);
      if (spec.extents === undefined) return spec.data;
      extents.push(spec.extents.length, ...spec.extents.flat());
      return extents.length - 1 - 3 * spec.extents.length;
    }),
    firstChild: u32((spec) => ranges.get(spec) ?? 0),
    childCount: u32((spec) => spec.children.size),
    xattr: u32((spec) => {
      const block = xattrBlock(spec.xattrs);
      if (block.length === 0) return 0;
      for (const byte of block) xattrs.push(byte);
      return xattrs.length - block.length + 1;
    }),
    inodeFlags: Uint8Array.from(inodes, (spec) => spec.flags | (spec.extents ? InodeFlag.sparse : 0)),
    pool: Buffer.concat(pool),
    xattrs: Uint8Array.from(xattrs),
    extents: Float64Array.from(extents),
    links: Uint32Array.from(links),
  };
}

function xattrBlock(xattrs: Record<string, string>): number[] {
  const entries = Object.entries(xattrs);
  if (entries.length === 0) return [];
  const header = Buffer.alloc(2);
  header.writeUInt16LE(entries.length);
  const parts = entries.flatMap(([name, value]) => {
    const lengths = Buffer.alloc(5);
    lengths.writeUInt8(name.length);
    lengths.writeUInt32LE(value.length, 1);
    return [lengths, Buffer.from(name, 'latin1'), Buffer.from(value, 'latin1')];
  });
  return [...Buffer.concat([header, ...parts])];
}
