// The oracle is kernel overlayfs: directories that it wrote as upper layers, read here as lower ones, merge to the tree
// that it shows itself.
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDirectoryLayer } from '../../src/layer/directory-layer.ts';
import { buildTree } from '../../src/tree/merge.ts';
import { Extent } from '../../src/tree/tree.ts';
import { Attr } from '../../src/vfs/attr.ts';
import { describeWith } from '../requirements.ts';
import { Random } from '../tree/random.ts';
import { dumpTree } from '../tree/tree-dump.ts';

const NAMES = ['a', 'b', 'c', 'd'];

/** One random change; one that can't be made (a name exists, or doesn't) changes nothing. */
function change(root: string, random: Random): void {
  const depth = 1 + random.below(3);
  const path = join(root, ...Array.from({ length: depth }, () => random.pick(NAMES)));
  const other = join(root, random.pick(NAMES), random.pick(NAMES));
  const changes = [
    () => fs.writeFileSync(path, `content ${random.below(1000)}`),
    () => fs.appendFileSync(path, 'more'),
    () => fs.mkdirSync(path),
    () => fs.mkdirSync(path, { recursive: true }),
    () => fs.symlinkSync(other, path),
    () => fs.rmSync(path, { recursive: true }),
    () => {
      fs.rmSync(path, { recursive: true });
      fs.mkdirSync(path);
    },
    () => fs.renameSync(path, other),
    () => fs.linkSync(path, other),
    () => fs.chmodSync(path, 0o600 + random.below(0o200)),
    () => fs.chownSync(path, random.below(3), random.below(3)),
    () => fs.utimesSync(path, 1, random.below(1e9) + 0.5),
    () => execFileSync('setfattr', ['-n', 'user.a', '-v', `${random.below(9)}`, path], { stdio: 'ignore' }),
    () => execFileSync('mknod', [path, 'c', '1', `${1 + random.below(9)}`], { stdio: 'ignore' }),
  ];
  try {
    random.pick(changes)();
  } catch (error) {
    if (!(error instanceof Error && ('syscall' in error || 'status' in error))) throw error;
  }
}

type Shown = Record<string, unknown>;

/** What the kernel shows, times in ns; a directory's size and link count are each file system's own. */
function showMounted(root: string): Record<string, Shown> {
  const shown: Record<string, Shown> = {};
  const visit = (path: string): void => {
    const full = join(root, path);
    const stat = fs.lstatSync(full);
    const { mtimeNs } = fs.lstatSync(full, { bigint: true });
    const isDevice = stat.isCharacterDevice();
    shown[path] = {
      mode: stat.mode,
      uid: stat.uid,
      gid: stat.gid,
      mtime: mtimeNs,
      rdev: isDevice ? stat.rdev : 0,
      target: stat.isSymbolicLink() ? fs.readlinkSync(full) : '',
      content: stat.isFile() ? fs.readFileSync(full, 'latin1') : '',
      xattrs: execFileSync('getfattr', ['-h', '-d', '-m', '^user', '--absolute-names', full])
        .toString()
        .replace(/^# file.*\n/, '')
        .trim(),
    };
    if (stat.isDirectory())
      for (const name of fs.readdirSync(full)) visit(path === '' ? name : `${path}/${name}`);
  };
  visit('');
  return shown;
}

/** The same of our layers, base first. */
async function showMerged(directories: string[]): Promise<Record<string, Shown>> {
  const layers = directories.map((directory) => openDirectoryLayer(directory, { marks: 'trusted' }));
  try {
    const tree = buildTree(layers.map((layer) => layer.index));
    const shown: Record<string, Shown> = {};
    const attr = new Attr();
    for (const [path, inode] of dumpTree(tree)) {
      tree.readAttr(inode.ino, attr);
      let content = '';
      if ((inode.mode & 0o170000) === 0o100000 && inode.size > 0) {
        content = await readAll(tree, layers, inode.ino, inode.size);
      }
      shown[path] = {
        mode: inode.mode,
        uid: inode.uid,
        gid: inode.gid,
        mtime: BigInt(attr.mtimeSec) * 1_000_000_000n + BigInt(attr.mtimeNsec),
        rdev: inode.rdev,
        target: inode.target,
        content,
        xattrs: Object.entries(inode.xattrs)
          .map(([name, value]) => `${name}="${value}"`)
          .join('\n'),
      };
    }
    return shown;
  } finally {
    for (const layer of layers) layer.close();
  }
}

async function readAll(
  tree: ReturnType<typeof buildTree>,
  layers: ReturnType<typeof openDirectoryLayer>[],
  inode: number,
  size: number,
): Promise<string> {
  const extent = new Extent();
  tree.mapExtent(inode, 0, size, extent);
  expect(extent.length).toBe(size);
  const bytes = await layers[extent.layer]?.reader.read(extent.blobOffset, size);
  return Buffer.from(bytes as Uint8Array).toString('latin1');
}

describeWith(
  ['root', { program: 'setfattr' }, { program: 'getfattr' }],
  'layers that kernel overlayfs wrote',
  () => {
    test.each([1, 2, 3, 4, 5, 6, 7, 8])('merge to what it shows (seed %i)', async (seed) => {
      const random = new Random(seed);
      const root = fs.mkdtempSync(join(tmpdir(), 'stratafs-overlay-'));
      const mounted: string[] = [];
      const mount = (target: string, type: string, options: string): void => {
        fs.mkdirSync(target, { recursive: true });
        execFileSync('mount', ['-t', type, '-o', options, 'stratafs-test', target]);
        mounted.push(target);
      };
      try {
        mount(join(root, 'disk'), 'tmpfs', 'mode=755');
        const layers = [join(root, 'disk/0')];
        fs.mkdirSync(layers[0] as string);
        for (let i = 0; i < 40; i++) change(layers[0] as string, random);
        for (let number = 1; number <= 3; number++) {
          const upper = join(root, `disk/${number}`);
          const work = join(root, `disk/work${number}`);
          fs.mkdirSync(upper);
          fs.mkdirSync(work);
          const lower = [...layers].reverse().join(':');
          const target = join(root, `m${number}`);
          mount(
            target,
            'overlay',
            `lowerdir=${lower},upperdir=${upper},workdir=${work},redirect_dir=off,metacopy=off`,
          );
          for (let i = 0; i < 30; i++) change(target, random);
          layers.push(upper);
          const shown = showMounted(target);
          execFileSync('umount', [target]);
          mounted.pop();
          expect(await showMerged(layers)).toEqual(shown);
        }
      } finally {
        for (const target of mounted.reverse()) execFileSync('umount', [target]);
        fs.rmSync(root, { recursive: true });
      }
    });
  },
);
