// Copies random images, and compares what python reads from the copy with what the image shows. Then destinations: the rules
// of `docker cp` as its manual lists them.
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CopyOutOptions, copyOut } from '../../src/copy/copy-out.ts';
import type { InspectedImage } from '../../src/inspect/inspected-image.ts';
import { mergeImage } from '../../src/inspect/merged-image.ts';
import { selectPath } from '../../src/inspect/selected-path.ts';
import { Overlay } from '../../src/overlay/read/overlay.ts';
import { type Members, scratchDirectory, tarFile } from '../image/scratch.ts';
import { inspectForTest } from '../inspect/open.ts';
import { randomImage } from '../inspect/random-image.ts';
import { fixture } from '../mount/stratafs.ts';
import { type Snapshot, snapshotDirectory, snapshotFileSystem } from '../oracle/snapshot.ts';
import { describeWith } from '../requirements.ts';

interface Copied {
  /** Relative to the scratch directory. */
  readonly problems: readonly string[];
}

/** Copies `paths` of the image to `destination`. */
async function copy(
  inspected: InspectedImage,
  paths: readonly string[],
  destination: string,
  options: Partial<CopyOutOptions> & { readonly followsLast?: boolean } = {},
): Promise<Copied> {
  const merged = mergeImage(inspected);
  const problems: string[] = [];
  const selected = paths.map((path) => {
    const found = selectPath(merged.tree, path, { followsLast: options.followsLast ?? false });
    if (typeof found === 'number') throw new Error(`${path}: ${found}`);
    return found;
  });
  await copyOut(merged, selected, destination, {
    isArchive: false,
    liveLayer: -1,
    onProblem: (path, problem) => problems.push(`${path}: ${problem}`),
    ...options,
  });
  return { problems };
}

function shown(inspected: InspectedImage): Promise<Snapshot> {
  const { tree } = mergeImage(inspected);
  return snapshotFileSystem(
    new Overlay({ tree, readers: inspected.layers.map(({ layer }) => layer.reader) }),
  );
}

const sample: Members = [
  ['etc', { directory: true }],
  ['etc/passwd', 'root:x:0:0'],
  ['etc/host', { symlink: 'passwd' }],
  ['etc/out', { symlink: '/../../../../tmp' }],
  ['usr', { directory: true }],
  ['usr/a', 'same'],
  ['usr/b', { link: 'usr/a' }],
];

async function openSample(members: Members = sample): Promise<InspectedImage> {
  return inspectForTest(await tarFile(members, 'layer.tar'));
}

describeWith(['root', { program: 'python3' }], 'a copy with owners and xattrs', () => {
  it('of random images shows what they show', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const inspected = await randomImage(seed);
      const directory = await scratchDirectory();
      const { problems } = await copy(inspected, ['/.'], directory, { isArchive: true });
      expect(problems, `seed ${seed}`).toEqual([]);
      expect(snapshotDirectory(directory), `seed ${seed}`).toEqual(await shown(inspected));
    }
  });

  it('of a fixture shows what it shows, holes and all, the second time too', async () => {
    const inspected = await inspectForTest(fixture('edge-cases.tar'));
    const directory = await scratchDirectory();
    for (let n = 0; n < 2; n++) {
      expect(await copy(inspected, ['/'], directory, { isArchive: true })).toEqual({ problems: [] });
      expect(snapshotDirectory(directory)).toEqual(await shown(inspected));
    }
  });

  it('gives no set-ID bits, no owners and no devices without --archive', async () => {
    const inspected = await inspectForTest(fixture('edge-cases.tar'));
    const directory = await scratchDirectory();
    const { problems } = await copy(inspected, ['/.'], directory);
    const copied = snapshotDirectory(directory);
    const image = await shown(inspected);
    const isDevice = (mode: number): boolean => [0o020000, 0o060000].includes(mode & 0o170000);
    const devices = [...image].filter(([, { mode }]) => isDevice(mode)).map(([path]) => path);
    expect(devices).not.toEqual([]);
    expect(problems).toEqual(
      devices.map((path) => `${directory}/${path}: is a device, which only root copies, with --archive`),
    );
    expect([...image.keys()].filter((path) => !copied.has(path))).toEqual(devices);
    for (const [path, { mode, uid, gid, xattrs }] of copied) {
      if (path === '') continue; // it was there
      const bits = (mode & 0o170000) === 0o040000 ? 0o1777 : 0o777;
      const expected = (mode & 0o170000) === 0o120000 ? 0o777 : (image.get(path)?.mode ?? 0) & bits;
      expect({ path, mode: mode & 0o7777, uid, gid, xattrs }).toEqual({
        ...{ path, mode: expected, uid: 0, gid: 0, xattrs: {} },
      });
    }
  });
});

describe('the destination of a copy', () => {
  it('that does not exist becomes the file, or a directory with the content', async () => {
    const inspected = await openSample();
    const directory = await scratchDirectory();
    await copy(inspected, ['/etc/passwd'], join(directory, 'file'));
    expect(readFileSync(join(directory, 'file'), 'utf8')).toBe('root:x:0:0');
    await copy(inspected, ['/usr'], join(directory, 'new'));
    await copy(inspected, ['/usr/.'], `${join(directory, 'newer')}/`);
    expect(readdirSync(join(directory, 'new'))).toEqual(['a', 'b']);
    expect(readdirSync(join(directory, 'newer'))).toEqual(['a', 'b']);
    expect(statSync(join(directory, 'new/a')).ino).toBe(statSync(join(directory, 'new/b')).ino);
  });

  it('that is a directory gets files under their names, and the content of a path that ends in /.', async () => {
    const inspected = await openSample();
    const directory = await scratchDirectory();
    await copy(inspected, ['/etc/passwd', '/usr', '/etc/host'], directory);
    expect(readdirSync(directory)).toEqual(['host', 'passwd', 'usr']);
    expect(readlinkSync(join(directory, 'host'))).toBe('passwd');
    await copy(inspected, ['/usr/.'], directory);
    expect(readdirSync(directory)).toEqual(['a', 'b', 'host', 'passwd', 'usr']);
    await copy(inspected, ['/etc/host'], directory, { followsLast: true });
    expect(readFileSync(join(directory, 'host'), 'utf8')).toBe('root:x:0:0');
    await copy(inspected, ['/usr/a', '/usr/b', '/usr/a'], directory);
    expect(readdirSync(directory)).toEqual(['a', 'b', 'host', 'passwd', 'usr']);
  });

  it('that is a file is replaced by a file, and not by a directory', async () => {
    const inspected = await openSample();
    const directory = await scratchDirectory();
    const path = join(directory, 'file');
    writeFileSync(path, 'old');
    await copy(inspected, ['/usr/a'], path);
    expect(readFileSync(path, 'utf8')).toBe('same');
    await expect(copy(inspected, ['/usr'], path)).rejects.toThrow(/can't be copied to a file/);
    await expect(copy(inspected, ['/usr/a', '/usr/b'], path)).rejects.toThrow(/expected one for 2 sources/);
    await expect(copy(inspected, ['/usr/a'], `${path}/`)).rejects.toThrow(/is a file, expected a directory/);
    await expect(copy(inspected, ['/usr/a'], `${path}/x`)).rejects.toThrow(/file: is not a directory$/);
    await expect(copy(inspected, ['/usr/a'], `${path}-missing/`)).rejects.toThrow(/trailing slash/);
    await expect(copy(inspected, ['/usr/a'], join(directory, 'no/x'))).rejects.toThrow(
      /no: is not a directory$/,
    );
    await expect(copy(inspected, ['/usr/a'], '/dev/null')).rejects.toThrow(/is a device, fifo or socket/);
    expect(readdirSync(directory)).toEqual(['file']);
  });

  it('keeps directories in the way of files and files in the way of directories', async () => {
    const inspected = await openSample();
    const directory = await scratchDirectory();
    mkdirSync(join(directory, 'passwd'));
    writeFileSync(join(directory, 'usr'), 'a file');
    const { problems } = await copy(inspected, ['/etc/passwd', '/usr', '/usr/a'], directory);
    expect(problems).toEqual([
      `${directory}/passwd: a directory is there, which is not replaced (EISDIR)`,
      `${directory}/usr: something other than a directory is there, which is not replaced by a directory (ENOTDIR)`,
    ]);
    expect(readdirSync(directory)).toEqual(['a', 'passwd', 'usr']);
  });
});

describe('a copy', () => {
  it('writes through no symlink of the destination', async () => {
    const inspected = await openSample();
    const directory = await scratchDirectory();
    const outside = await scratchDirectory();
    writeFileSync(join(outside, 'passwd'), 'outside');
    symlinkSync(join(outside, 'passwd'), join(directory, 'passwd'));
    symlinkSync(outside, join(directory, 'usr'));
    const { problems } = await copy(inspected, ['/etc/passwd', '/usr'], directory);
    expect(lstatSync(join(directory, 'passwd')).isFile()).toBe(true);
    expect(problems).toEqual([expect.stringMatching(/\/usr: something other than a directory is there/)]);
    expect(readdirSync(outside)).toEqual(['passwd']);
    expect(readFileSync(join(outside, 'passwd'), 'utf8')).toBe('outside');
  });

  it('writes through no symlink of the image, whatever its layers do to a name', async () => {
    const lower: Members = [['x', { symlink: '/tmp/stratafs-escape' }]];
    const inspected = await openSample(lower);
    const directory = await scratchDirectory();
    await copy(inspected, ['/.'], directory);
    // Now an image with a directory of that name.
    const { problems } = await copy(await openSample([['x/evil', 'evil']]), ['/.'], directory);
    expect(problems).toEqual([expect.stringMatching(/\/x: something other than a directory is there/)]);
    expect(existsSync('/tmp/stratafs-escape')).toBe(false);
  });

  it('replaces a file and never changes it in place', async () => {
    const inspected = await openSample();
    const directory = await scratchDirectory();
    const path = join(directory, 'a');
    writeFileSync(path, 'old');
    const { ino } = statSync(path);
    await copy(inspected, ['/usr/a'], directory);
    expect(statSync(path).ino).not.toBe(ino);
  });

  it('gives a hard link its own content, though another file has replaced the first copy', async () => {
    const members: Members = [
      ['a', { directory: true }],
      ['a/x', 'first'],
      ['b', { directory: true }],
      ['b/x', 'second'],
      ['c', { directory: true }],
      ['c/y', { link: 'a/x' }],
      ['c/z', { link: 'a/x' }],
    ];
    const directory = await scratchDirectory();
    const inspected = await openSample(members);
    const { problems } = await copy(inspected, ['/a/x', '/b/x', '/c/y', '/c/z'], directory);
    expect(problems).toEqual([]);
    const read = (name: string): string => readFileSync(join(directory, name), 'latin1');
    expect(['x', 'y', 'z'].map(read)).toEqual(['second', 'first', 'first']);
    expect(statSync(join(directory, 'y')).ino).toBe(statSync(join(directory, 'z')).ino);
    expect(readdirSync(directory).sort()).toEqual(['x', 'y', 'z']);
  });

  it('that is interrupted leaves whole files and no others', async () => {
    const inspected = await openSample([
      ['a', 'small'],
      ['b', Buffer.alloc(8 << 20, 'b')],
    ]);
    const directory = await scratchDirectory();
    const stop = new AbortController();
    const onProgress = (done: number): void => {
      if (done > 1 << 20) stop.abort(new Error('stopped'));
    };
    await expect(copy(inspected, ['/.'], directory, { signal: stop.signal, onProgress })).rejects.toThrow(
      'stopped',
    );
    expect(readdirSync(directory)).toEqual(['a']);
  });

  it('reports how many bytes are written, and all of them in the end', async () => {
    const inspected = await openSample();
    const progress: [number, number][] = [];
    await copy(inspected, ['/.'], await scratchDirectory(), {
      onProgress: (done, total) => progress.push([done, total]),
    });
    expect(progress).toEqual([
      [10, 14],
      [14, 14],
    ]);
  });
});
