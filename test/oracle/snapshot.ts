// A Snapshot: everything that a tree of files shows, by path, so that ours can be compared with an oracle's.
import { HAS_TRUSTED_MARKS } from '../../src/overlayfs-format/trusted-marks.ts';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Attr, makeRdev, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../../src/vfs/attr.ts';
import { FileRange } from '../../src/vfs/blob-reader.ts';
import { type FileSystem, type NodeId, ROOT_NODE_ID } from '../../src/vfs/filesystem.ts';

export interface Shown {
  mode: number;
  uid: number;
  gid: number;
  /** 0 for directories, whose size is their file system's own affair. */
  size: number;
  /** Nanoseconds, in decimal. */
  mtime: string;
  /** Of anything but a directory: overlayfs reports 1 for merged directories. */
  nlink: number;
  /** The first path of the same inode. */
  sameAs: string;
  rdev: number;
  target: string;
  sha256: string;
  /** The offsets at which data and holes start, alternating. */
  data: number[];
  xattrs: Record<string, string>;
}

/** By path as latin1; the root is ''. Sorted. */
export type Snapshot = Map<string, Shown>;

/** An inode number by path, turned into the first path of each inode, so that numbering doesn't matter. */
function finish(shown: Map<string, { shown: Omit<Shown, 'sameAs'>; ino: number }>): Snapshot {
  const firstPaths = new Map<number, string>();
  const snapshot: Snapshot = new Map();
  for (const [path, { shown: rest, ino }] of [...shown].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!firstPaths.has(ino)) firstPaths.set(ino, path);
    const isDirectory = (rest.mode & S_IFMT) === S_IFDIR;
    snapshot.set(path, {
      ...rest,
      sameAs: firstPaths.get(ino) as string,
      size: isDirectory ? 0 : rest.size,
      nlink: isDirectory ? 0 : rest.nlink,
    });
  }
  return snapshot;
}

/** What the host shows beneath a directory. Needs python3. */
export function snapshotDirectory(root: string): Snapshot {
  const script = fileURLToPath(new URL('snapshot.py', import.meta.url));
  return readSnapshot(execFileSync('python3', [script, root], { encoding: 'utf8', maxBuffer: 1 << 28 }));
}

/** What snapshot.py printed. */
export function readSnapshot(output: string): Snapshot {
  const lines = output.split('\n').slice(0, -1);
  return finish(
    new Map(
      lines.map((line) => {
        const { path, ino, rdev, ...rest } = JSON.parse(line) as Omit<Shown, 'rdev' | 'sameAs'> & {
          path: string;
          ino: number;
          rdev: [number, number];
        };
        // In kernel overlayfs's mount of an upper that stratafs wrote this one is data (docs/formats.md).
        const xattrs = Object.fromEntries(
          Object.entries(rest.xattrs).filter(([name]) => name !== HAS_TRUSTED_MARKS),
        );
        return [path, { ino, shown: { ...rest, xattrs, rdev: makeRdev(...rdev) } }];
      }),
    ),
  );
}

/** What a FileSystem shows, asked as the kernel would ask. */
export async function snapshotFileSystem(fileSystem: FileSystem): Promise<Snapshot> {
  const shown = new Map<string, { shown: Omit<Shown, 'sameAs'>; ino: number }>();
  const waiting: [string, NodeId][] = [['', ROOT_NODE_ID]];
  for (const [path, node] of waiting) {
    const attr = new Attr();
    expectSuccess(fileSystem.getattr(node, attr), 'getattr', path);
    const type = attr.mode & S_IFMT;
    const names = text(fileSystem.listxattr(node), 'listxattr', path).split('\0').slice(0, -1).sort();
    shown.set(path, {
      ino: attr.ino,
      shown: {
        mode: attr.mode,
        uid: attr.uid,
        gid: attr.gid,
        size: attr.size,
        mtime: String(BigInt(attr.mtimeSec) * 1_000_000_000n + BigInt(attr.mtimeNsec)),
        nlink: attr.nlink,
        rdev: attr.rdev,
        target: type === S_IFLNK ? text(fileSystem.readlink(node), 'readlink', path) : '',
        sha256: type === S_IFREG ? await hash(fileSystem, node, attr.size, path) : '',
        data: type === S_IFREG ? dataRanges(fileSystem, node, attr.size) : [],
        xattrs: Object.fromEntries(
          names.map((name) => [
            name,
            text(fileSystem.getxattr(node, Buffer.from(name, 'latin1')), name, path),
          ]),
        ),
      },
    });
    if (type !== S_IFDIR) continue;
    const sink = {
      wantsAttributes: true,
      add(pool: Uint8Array, start: number, end: number, cookie: number, entry: { nodeId: NodeId }): boolean {
        const name = Buffer.from(pool.subarray(start, end)).toString('latin1');
        if (cookie > 2) waiting.push([path === '' ? name : `${path}/${name}`, entry.nodeId]);
        return true;
      },
    };
    expectSuccess(fileSystem.readdir(node, 0, sink), 'readdir', path);
  }
  return finish(shown);
}

function expectSuccess(status: number, call: string, path: string): void {
  if (status < 0) throw new Error(`${call} of '${path}' failed with ${status}`);
}

function text(bytes: Uint8Array | number, call: string, path: string): string {
  if (typeof bytes === 'number') throw new Error(`${call} of '${path}' failed with ${bytes}`);
  return Buffer.from(bytes).toString('latin1');
}

/** In pieces of an odd length, so that pieces begin and end anywhere. */
async function hash(fileSystem: FileSystem, node: NodeId, size: number, path: string): Promise<string> {
  const digest = createHash('sha256');
  for (let offset = 0; offset < size;) {
    const answer = await fileSystem.read(node, offset, 65_521);
    if (typeof answer === 'number') throw new Error(`read of '${path}' at ${offset} failed with ${answer}`);
    let bytes = answer;
    if (bytes instanceof FileRange) {
      const { fd, position, length } = bytes;
      bytes = new Uint8Array(length);
      if (readSync(fd, bytes, 0, length, position) !== length) throw new Error(`'${path}' is cut off`);
    }
    if (bytes.length === 0) throw new Error(`read of '${path}' at ${offset} answered nothing`);
    digest.update(bytes);
    offset += bytes.length;
  }
  return digest.digest('hex');
}

function dataRanges(fileSystem: FileSystem, node: NodeId, size: number): number[] {
  const edges: number[] = [];
  for (let offset = 0; offset < size;) {
    const start = fileSystem.seek(node, offset, 3);
    if (start < 0) break;
    offset = fileSystem.seek(node, start, 4);
    edges.push(start, offset);
  }
  return edges;
}
