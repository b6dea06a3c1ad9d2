// The files of an image, read without a mount: against what umoci unpacked, and what node:fs says of a directory.
import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { type Image, ErrnoError, openLowerDirectories } from '../../src/index.ts';
import { scratchDirectory } from '../image/scratch.ts';
import { fixture } from '../mount/stratafs.ts';
import { recordedTree, UNTIMED } from '../oracle/recorded.ts';
import type { Shown, Snapshot } from '../oracle/snapshot.ts';
import { archiveOf, openForTest } from './open.ts';

/** Everything that the library says of an image, in the form of the oracle. */
async function snapshotImage(image: Image): Promise<Snapshot> {
  const snapshot: Snapshot = new Map();
  const firstPaths = new Map<bigint, string>();
  const paths: Buffer[] = [Buffer.from('/')];
  for await (const { pathBytes } of image.walk()) paths.push(pathBytes);
  for (const path of paths.sort((a, b) => Buffer.compare(a, b))) {
    const name = path.toString('latin1').slice(1);
    const stats = await image.lstat(path, { bigint: true });
    if (!firstPaths.has(stats.ino)) firstPaths.set(stats.ino, name);
    const xattrs: Record<string, string> = {};
    for (const each of await image.llistxattr(path)) {
      xattrs[each] = (await image.lgetxattr(path, each)).toString('latin1');
    }
    const shown: Shown = {
      mode: Number(stats.mode),
      uid: Number(stats.uid),
      gid: Number(stats.gid),
      size: stats.isDirectory() ? 0 : Number(stats.size),
      mtime: String(stats.mtimeNs),
      nlink: stats.isDirectory() ? 0 : Number(stats.nlink),
      sameAs: firstPaths.get(stats.ino) ?? '',
      rdev: Number(stats.rdev),
      target: stats.isSymbolicLink() ? (await image.readlink(path, 'buffer')).toString('latin1') : '',
      sha256: stats.isFile() ? await hash(image.createReadStream(path)) : '',
      data: [],
      xattrs,
    };
    snapshot.set(name, shown);
  }
  return snapshot;
}

async function hash(stream: Readable): Promise<string> {
  const digest = createHash('sha256');
  for await (const bytes of stream) digest.update(bytes as Buffer);
  return digest.digest('hex');
}

/** Without what has the time of its unpacking. */
function timed(snapshot: Snapshot, oracle: Snapshot): Snapshot {
  return new Map(
    [...snapshot].map(([path, shown]) =>
      oracle.get(path)?.mtime === UNTIMED ? [path, { ...shown, mtime: UNTIMED }] : [path, shown],
    ),
  );
}

describe('the files of an image', () => {
  it.each([
    ['expressweb.tar', 'expressweb'],
    ['forms/containerd.tar', 'extending-expressweb'],
    ['edge-cases.tar', 'edge-cases'],
  ])('%s: walk, lstat, readlink, xattrs and content are what umoci unpacks', async (archive, name) => {
    const oracle = recordedTree(name);
    const snapshot = await snapshotImage(await openForTest(fixture(archive)));
    expect([...timed(snapshot, oracle).keys()]).toEqual([...oracle.keys()]);
    expect(timed(snapshot, oracle)).toEqual(oracle);
  });
});

describe('a path', () => {
  const members = [
    ['etc/', { directory: true }],
    ['etc/file', 'content'],
    ['etc/link', { symlink: 'file' }],
    ['etc/out', { symlink: '../../../etc/file' }],
    ['etc/dir', { symlink: '/etc' }],
    ['etc/gone', { symlink: 'nowhere' }],
    ['loop', { symlink: 'loop' }],
    ['caf\u00e9', 'UTF-8'],
  ] as const;

  /** The same tree as an image, and as a directory of the host. */
  async function both(): Promise<{ image: Image; directory: string }> {
    const directory = await scratchDirectory();
    for (const [name, member] of members) {
      if (typeof member === 'string') await fs.writeFile(join(directory, name), member);
      else if ('symlink' in member) await fs.symlink(member.symlink, join(directory, name));
      else await fs.mkdir(join(directory, name));
    }
    return { image: await openForTest(await archiveOf(members)), directory };
  }

  const failure = async (promise: Promise<unknown>): Promise<object | undefined> => {
    const error = await promise.then(
      () => undefined,
      (each: unknown) => each,
    );
    if (error === undefined) return undefined;
    const { code, errno, syscall } = error as NodeJS.ErrnoException;
    return { isError: error instanceof Error, code, errno, syscall };
  };

  it.each(['etc/none', 'etc/gone', 'loop', 'etc/file/x', 'etc/file/', 'etc/link/.', ''])(
    '%j fails as in node:fs: code, errno and syscall',
    async (path) => {
      const { image, directory } = await both();
      const host = path === '' ? '' : `${directory}/${path}`;
      expect(await failure(image.stat(path))).toEqual(await failure(fs.stat(host)));
      expect(await failure(image.readFile(path))).toEqual(await failure(fs.readFile(host)));
      expect(await failure(image.readdir(path))).toEqual(await failure(fs.readdir(host)));
    },
  );

  it('of the wrong type fails as in node:fs', async () => {
    const { image, directory } = await both();
    expect(await failure(image.readFile('etc'))).toEqual(await failure(fs.readFile(`${directory}/etc`)));
    expect(await failure(image.readlink('etc/file'))).toEqual(
      await failure(fs.readlink(`${directory}/etc/file`)),
    );
    expect(await failure(image.readdir('etc/file'))).toEqual(
      await failure(fs.readdir(`${directory}/etc/file`)),
    );
  });

  it('that is not there gives an ErrnoError with the path as it was given', async () => {
    const { image } = await both();
    const error = await image.stat('/etc/none').catch((each: unknown) => each);
    expect(error).toBeInstanceOf(ErrnoError);
    expect(error).toMatchObject({ code: 'ENOENT', syscall: 'stat', path: '/etc/none' });
  });

  it('follows symlinks within the image, also those that climb out of it', async () => {
    const { image } = await both();
    for (const path of ['etc/link', '/etc/out', '//etc/./dir/file', 'etc/dir/dir/link']) {
      expect(await image.readFile(path, 'utf8')).toBe('content');
    }
    expect((await image.stat('etc/link')).isFile()).toBe(true);
    expect((await image.lstat('etc/link')).isSymbolicLink()).toBe(true);
    expect((await image.lstat('etc/dir/')).isDirectory()).toBe(true);
  });

  it('is text in UTF-8, or bytes', async () => {
    const name = Buffer.from([0x66, 0xff, 0x6f]);
    const directory = await scratchDirectory();
    await fs.writeFile(Buffer.concat([Buffer.from(`${directory}/`), name]), 'bytes');
    await fs.writeFile(join(directory, 'caf\u00e9'), 'text');
    await using image = await openLowerDirectories(directory, { useIndexCache: false });
    expect(await image.readFile('/caf\u00e9', 'utf8')).toBe('text');
    expect(await image.readdir('/')).toEqual(['caf\u00e9', 'f\ufffdo']);
    expect(await image.readdir('/', 'buffer')).toEqual([Buffer.from('caf\u00e9'), name]);
    expect(await image.readFile(name, 'utf8')).toBe('bytes');
  });
});

describe('names of directories', () => {
  it('readdir gives names, or Dirents that know their type', async () => {
    const image = await openForTest(
      await archiveOf([
        ['d/b', 'file'],
        ['d/a', { symlink: 'b' }],
        ['d/c', { directory: true }],
      ]),
    );
    expect(await image.readdir('/d')).toEqual(['a', 'b', 'c']);
    const entries = await image.readdir('/d', { withFileTypes: true });
    expect(entries.map((each) => [each.name, each.parentPath, each.isFile()])).toEqual([
      ['a', '/d', false],
      ['b', '/d', true],
      ['c', '/d', false],
    ]);
    expect(entries.map((each) => each.isSymbolicLink())).toEqual([true, false, false]);
    expect(entries.map((each) => each.isDirectory())).toEqual([false, false, true]);
  });

  it('walk lists a directory before what is in it, and follows no symlink', async () => {
    const image = await openForTest(
      await archiveOf([
        ['b/c/d', '1'],
        ['b/a', '2'],
        ['a', { symlink: 'b' }],
        ['b.x', '3'],
      ]),
    );
    const paths = async (path?: string): Promise<string[]> => {
      const found: string[] = [];
      for await (const entry of image.walk(path)) found.push(entry.path);
      return found;
    };
    expect(await paths()).toEqual(['/a', '/b', '/b/a', '/b/c', '/b/c/d', '/b.x']);
    expect(await paths('b/c/')).toEqual(['/b/c/d']);
    expect(await paths('/a')).toEqual(['/a/a', '/a/c', '/a/c/d']);
    await expect(paths('/b.x')).rejects.toMatchObject({ code: 'ENOTDIR' });
  });
});

describe('a stream of a file', () => {
  it('has the bytes from start to end, both included, as node:fs', async () => {
    const image = await openForTest(await archiveOf([['file', '0123456789']]));
    expect(await text(image.createReadStream('file', { start: 2, end: 4 }))).toBe('234');
    expect(await text(image.createReadStream('file', { start: 8 }))).toBe('89');
    expect(await text(image.createReadStream('file', { start: 20 }))).toBe('');
  });

  it('fails with what readFile rejects with', async () => {
    const image = await openForTest(await archiveOf([['file', 'x']]));
    await expect(text(image.createReadStream('none'))).rejects.toMatchObject({
      code: 'ENOENT',
      path: 'none',
    });
    await expect(text(image.createReadStream('/'))).rejects.toMatchObject({ code: 'EISDIR' });
  });
});
