// Writes the tar that a layer's description stands for: with its entries in any order, or in one that an extractor
// which works through them one by one gets right.
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG } from '../../src/vfs/attr.ts';
import { InodeFlag } from '../../src/layer/layer-index.ts';
import { pax, rawMember, type RawMember, rawTar } from '../tar/raw-tar.ts';
import type { InodeSpec } from './layer-maker.ts';
import type { Random } from './random.ts';

const typeFlags = new Map<number, string>([
  [S_IFREG, '0'],
  [S_IFLNK, '2'],
  [S_IFCHR, '3'],
  [S_IFBLK, '4'],
  [S_IFDIR, '5'],
  [S_IFIFO, '6'],
]);

/** The bytes of a regular file: unlike those of other files of its layer. */
export function contentOf({ size, data }: InodeSpec): Buffer {
  return Buffer.alloc(size, `${data}, `);
}

interface Entry {
  readonly isDirectory: boolean;
  readonly isLowerLink: boolean;
  readonly bytes: Buffer;
}

/**
 * `shuffled`: an index doesn't mind the order. `ordered`: parents first, links to lower names before anything that
 * might hide those, whiteouts among the rest.
 */
export function layerTar(root: InodeSpec, order: 'shuffled' | 'ordered', random: Random): Buffer {
  const entries: Entry[] = [];
  const firstNames = new Map<InodeSpec, string>();
  const add = (bytes: Buffer, fields: Partial<Entry> = {}): void => {
    entries.push({ isDirectory: false, isLowerLink: false, ...fields, bytes });
  };

  const waiting: [string, InodeSpec][] = [['', root]];
  for (const [path, directory] of waiting) {
    const prefix = path === '' ? '' : `${path}/`;
    if ((directory.flags & InodeFlag.implicit) === 0) {
      add(member(path === '' ? './' : prefix, directory), { isDirectory: true });
    }
    if ((directory.flags & InodeFlag.opaque) !== 0) add(named(`${prefix}.wh..wh..opq`, {}));
    for (const [name, child] of directory.children) {
      const childPath = prefix + name;
      if (child.kind === 'whiteout') {
        add(named(`${prefix}.wh.${name}`, {}));
      } else if (child.kind === 'link') {
        add(named(childPath, { type: '1', linkname: latin1(child.path) }), { isLowerLink: true });
      } else if ((child.mode & S_IFMT) === S_IFDIR) {
        waiting.push([childPath, child]);
      } else {
        const first = firstNames.get(child);
        if (first === undefined) {
          firstNames.set(child, childPath);
          add(member(childPath, child));
        } else {
          add(named(childPath, { type: '1', linkname: latin1(first) }));
        }
      }
    }
  }

  const rank = ({ isDirectory, isLowerLink }: Entry): number => (isDirectory ? 0 : isLowerLink ? 1 : 2);
  const sorted =
    order === 'ordered'
      ? entries.toSorted((a, b) => rank(a) - rank(b))
      : entries
          .map((entry) => ({ entry, key: random.below(1 << 30) }))
          .sort((a, b) => a.key - b.key)
          .map(({ entry }) => entry);
  return rawTar(...sorted.map(({ bytes }) => bytes));
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

function named(path: string, fields: RawMember): Buffer {
  return rawMember({ ...fields, name: latin1(path) });
}

function member(path: string, spec: InodeSpec): Buffer {
  const type = spec.mode & S_IFMT;
  const xattrs = Object.entries(spec.xattrs).map(([name, value]) => [`SCHILY.xattr.${name}`, latin1(value)]);
  return Buffer.concat([
    pax([['mtime', String(spec.mtime)], ...(xattrs as [string, Buffer][])]),
    named(path, {
      type: typeFlags.get(type) as string,
      mode: spec.mode & 0o7777,
      uid: spec.uid,
      gid: spec.gid,
      major: (spec.rdev >>> 8) & 0xfff,
      minor: spec.rdev & 0xff,
      linkname: latin1(spec.target),
      body: type === S_IFREG ? contentOf(spec) : '',
    }),
  ]);
}
