// What the layer of a commit holds after one change, one sentence a change. The expectations are those of the OCI
// image-spec, layer.md ("Change Types", "Representing Changes"); Python's tarfile reads the layer.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { UpperSource } from '../../src/commit/upper-source.ts';
import { writeLayer } from '../../src/commit/write-layer.ts';
import { lookAtUpper } from '../../src/overlay/upper/open-upper.ts';
import { openOverlayState } from '../../src/overlay/write/overlay-state.ts';
import { buildTree } from '../../src/tree/merge.ts';
import { S_IFBLK, S_IFCHR, S_IFIFO, S_IFSOCK, makeRdev } from '../../src/vfs/attr.ts';
import {
  link,
  mkdir,
  mknod,
  overwrite,
  rename,
  rmdir,
  setattr,
  setxattr,
  symlink,
  unlink,
} from '../overlay/act.ts';
import { MemoryReader } from '../overlay/memory-reader.ts';
import { Bench } from '../overlay/writable.ts';
import { describeWith } from '../requirements.ts';
import { directory, file, layer, link as hardLink, symlink as symlinkTo } from '../tree/layer-maker.ts';

const LIST_TAR = fileURLToPath(new URL('list-tar.py', import.meta.url));

/** A member of a tar, as list-tar.py reads it. */
interface Member {
  readonly path: string;
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly link?: string;
  readonly device?: [major: number, minor: number];
  readonly xattrs?: Record<string, string>;
  readonly content?: string;
}

const content = Buffer.from('the bytes of the image');
const layers = [
  layer({
    etc: directory({
      passwd: file({ size: 9, mtime: 1000 }),
      hosts: file({ size: 3, mtime: 1000, mode: 0o100640, uid: 1, gid: 2 }),
      two: file({ size: 5 }),
      conf: directory({ a: file({ size: 1 }), deep: directory({ b: file({ size: 1 }) }) }),
    }),
    var: directory({ sub: directory() }),
    sym: symlinkTo('etc/passwd'),
  }),
  layer({ alias: hardLink('etc/two') }),
];
const readers = [new MemoryReader(content), new MemoryReader(Buffer.alloc(0))];

const benches: Bench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

function open(): Bench {
  const bench = new Bench(layers, readers);
  benches.push(bench);
  return bench;
}

interface Layer {
  readonly bytes: Buffer;
  /** What the layer can not hold: path and reason. */
  readonly leftOut: readonly string[];
}

/** The tar of the bench's upper. */
async function commit(bench: Bench): Promise<Layer> {
  const identity = Buffer.alloc(16, 7);
  const upper = lookAtUpper({
    ...{ upper: bench.upper, layers: identity, identity, isForced: true, isVolatile: true },
    ...{ usesMetacopy: false, usesRedirect: false, squashesUsers: false, squashesGroups: false },
    ...{ ownerKeeping: undefined, takesAufsForm: false, usesUserXattrs: process.geteuid?.() !== 0 },
  });
  const state = openOverlayState(buildTree([...layers]), readers, upper);
  const chunks: Uint8Array[] = [];
  const leftOut: string[] = [];
  try {
    await writeLayer(new UpperSource(state, readers), {
      take: (bytes) => {
        chunks.push(Buffer.from(bytes));
        return Promise.resolve();
      },
      onLeftOut: (path, what) => leftOut.push(`${path} ${what}`),
    });
  } finally {
    await state.close();
  }
  return { bytes: Buffer.concat(chunks), leftOut };
}

function list({ bytes }: Layer): Member[] {
  const listed = execFileSync('python3', [LIST_TAR], { input: bytes, encoding: 'utf8', maxBuffer: 1 << 26 });
  return JSON.parse(listed) as Member[];
}

/** The members of the layer after `change`, without the root. */
async function committed(change: (bench: Bench) => unknown): Promise<Member[]> {
  const bench = open();
  await change(bench);
  const [root, ...others] = list(await commit(bench));
  expect(root).toMatchObject({ path: '.', type: 'directory' });
  return others;
}

const paths = (members: readonly Member[]): string[] => members.map(({ path }) => path);
const memberAt = (members: readonly Member[], path: string): Member | undefined =>
  members.find((member) => member.path === path);

describeWith([{ program: 'python3' }], 'a layer', () => {
  it('holds the root alone if nothing was changed', async () => {
    expect(await committed(() => undefined)).toEqual([]);
  });

  it('holds a new file, with its bytes, after the directories above it', async () => {
    const members = await committed((bench) => bench.write('var/sub/new', 'hello'));
    expect(paths(members)).toEqual(['var', 'var/sub', 'var/sub/new']);
    expect(members[2]).toMatchObject({ type: 'file', mode: 0o644, size: 5, content: 'hello' });
  });

  it('holds the whole file after a write to a part of it', async () => {
    const members = await committed((bench) => overwrite(bench, 'etc/passwd', 4, 'BYTES'));
    expect(paths(members)).toEqual(['etc', 'etc/passwd']);
    expect(members[1]).toMatchObject({ type: 'file', size: 9, content: 'the BYTES' });
  });

  it('holds the shorter file after a truncation', async () => {
    const members = await committed((bench) => setattr(bench, 'etc/passwd', { size: 3 }));
    expect(memberAt(members, 'etc/passwd')).toMatchObject({ size: 3, content: 'the' });
  });

  it('holds the whole file after chmod, with the other attributes as they were', async () => {
    const members = await committed((bench) => setattr(bench, 'etc/hosts', { mode: 0o600 }));
    expect(memberAt(members, 'etc/hosts')).toEqual({
      ...{ path: 'etc/hosts', type: 'file', mode: 0o600, uid: 1, gid: 2, mtime: 1000 },
      ...{ size: 3, content: 'the' },
    });
  });

  it('holds set-user-ID, set-group-ID and sticky bits', async () => {
    const members = await committed(async (bench) => {
      await setattr(bench, 'etc/passwd', { mode: 0o6755 });
      await setattr(bench, 'var/sub', { mode: 0o1777 });
    });
    expect(memberAt(members, 'etc/passwd')?.mode).toBe(0o6755);
    expect(memberAt(members, 'var/sub')?.mode).toBe(0o1777);
  });

  it('holds a changed time with its nanoseconds', async () => {
    const members = await committed((bench) =>
      setattr(bench, 'etc/passwd', { mtime: { sec: 1234, nsec: 500_000_000 } }),
    );
    expect(memberAt(members, 'etc/passwd')).toMatchObject({ mtime: 1234.5, content: 'the bytes' });
  });

  it('holds a changed directory without the names in it', async () => {
    const members = await committed((bench) => setattr(bench, 'etc/conf', { mode: 0o700 }));
    expect(paths(members)).toEqual(['etc', 'etc/conf']);
    expect(members[1]).toMatchObject({ type: 'directory', mode: 0o700 });
  });

  it('holds an empty file .wh.NAME for a removed file', async () => {
    const members = await committed((bench) => unlink(bench, 'etc/passwd'));
    expect(paths(members)).toEqual(['etc', 'etc/.wh.passwd']);
    expect(members[1]).toMatchObject({ type: 'file', size: 0, content: '' });
  });

  it('holds one whiteout for a removed directory, and none for the names in it', async () => {
    const members = await committed((bench) => {
      unlink(bench, 'etc/conf/deep/b');
      rmdir(bench, 'etc/conf/deep');
      unlink(bench, 'etc/conf/a');
      rmdir(bench, 'etc/conf');
    });
    expect(paths(members)).toEqual(['etc', 'etc/.wh.conf']);
  });

  it('holds no whiteout for a file that was created and removed again', async () => {
    const members = await committed(async (bench) => {
      await bench.write('var/new', 'hello');
      unlink(bench, 'var/new');
    });
    expect(paths(members)).toEqual(['var']);
  });

  it('holds the new file alone if one was removed and created again', async () => {
    const members = await committed(async (bench) => {
      unlink(bench, 'etc/passwd');
      await bench.write('etc/passwd', 'other');
    });
    expect(paths(members)).toEqual(['etc', 'etc/passwd']);
    expect(members[1]?.content).toBe('other');
  });

  it('holds an opaque whiteout, before all other names, in a directory that was removed and created again', async () => {
    const members = await committed(async (bench) => {
      unlink(bench, 'etc/conf/deep/b');
      rmdir(bench, 'etc/conf/deep');
      unlink(bench, 'etc/conf/a');
      rmdir(bench, 'etc/conf');
      mkdir(bench, 'etc/conf');
      await bench.write('etc/conf/-new', 'hello');
    });
    expect(paths(members)).toEqual(['etc', 'etc/conf', 'etc/conf/.wh..wh..opq', 'etc/conf/-new']);
    expect(members[2]).toMatchObject({ type: 'file', size: 0 });
  });

  it('holds a directory that took the place of a file, without an opaque whiteout', async () => {
    const members = await committed((bench) => {
      unlink(bench, 'etc/passwd');
      mkdir(bench, 'etc/passwd', 0o711);
    });
    expect(paths(members)).toEqual(['etc', 'etc/passwd']);
    expect(members[1]).toMatchObject({ type: 'directory', mode: 0o711 });
  });

  it('holds a file that took the place of a directory, without a whiteout', async () => {
    const members = await committed(async (bench) => {
      rmdir(bench, 'var/sub');
      await bench.write('var/sub', 'a file now');
    });
    expect(paths(members)).toEqual(['var', 'var/sub']);
    expect(members[1]).toMatchObject({ type: 'file', content: 'a file now' });
  });

  it('holds a renamed file under its new name, and a whiteout of the old one', async () => {
    const members = await committed((bench) => rename(bench, 'etc/passwd', 'var/users'));
    expect(paths(members)).toEqual(['etc', 'etc/.wh.passwd', 'var', 'var/users']);
    expect(members[3]).toMatchObject({ mtime: 1000, content: 'the bytes' });
  });

  it('holds all that a renamed directory contains, and one whiteout of the old name', async () => {
    const members = await committed((bench) => rename(bench, 'etc/conf', 'var/conf'));
    expect(paths(members)).toEqual([
      ...['etc', 'etc/.wh.conf', 'var', 'var/conf', 'var/conf/a', 'var/conf/deep', 'var/conf/deep/b'],
    ]);
    expect(members[4]?.content).toBe('t');
  });

  it('holds an opaque whiteout in a renamed directory that hides one of the image', async () => {
    const members = await committed(async (bench) => {
      rmdir(bench, 'var/sub');
      await rename(bench, 'etc/conf', 'var/sub');
    });
    expect(paths(members)).toContain('var/sub/.wh..wh..opq');
    expect(paths(members)).toContain('var/sub/deep/b');
  });

  it('holds no attribute of overlayfs', async () => {
    const members = await committed((bench) => rename(bench, 'etc/conf', 'var/conf'));
    expect(members.flatMap(({ xattrs = {} }) => Object.keys(xattrs))).toEqual([]);
  });

  it('holds a new hard link as a link to the first of its names', async () => {
    const members = await committed((bench) => link(bench, 'etc/passwd', 'var/again'));
    expect(paths(members)).toEqual(['etc', 'etc/passwd', 'var', 'var/again']);
    expect(members[1]).toMatchObject({ type: 'file', content: 'the bytes' });
    expect(members[3]).toMatchObject({ type: 'link', link: 'etc/passwd' });
  });

  it('holds all names of a hard-linked file if it was changed by one of them', async () => {
    const members = await committed((bench) => overwrite(bench, 'etc/two', 0, 'THE'));
    expect(paths(members)).toEqual(['alias', 'etc', 'etc/two']);
    expect(members[0]).toMatchObject({ type: 'file', content: 'THE b' });
    expect(members[2]).toMatchObject({ type: 'link', link: 'alias' });
  });

  it('holds a whiteout alone if one of two hard links was removed', async () => {
    const members = await committed((bench) => unlink(bench, 'alias'));
    expect(paths(members)).toEqual(['.wh.alias']);
  });

  it('holds symlinks with the target that was written', async () => {
    const members = await committed(async (bench) => {
      symlink(bench, '../does/not/exist', 'var/new');
      await rename(bench, 'sym', 'moved');
    });
    expect(memberAt(members, 'var/new')).toMatchObject({
      type: 'symlink',
      link: '../does/not/exist',
      size: 0,
    });
    expect(memberAt(members, 'moved')).toMatchObject({ type: 'symlink', link: 'etc/passwd' });
  });

  it('holds extended attributes as pax records', async () => {
    const members = await committed((bench) => setxattr(bench, 'etc/passwd', 'user.color', 'blue'));
    expect(memberAt(members, 'etc/passwd')).toMatchObject({
      xattrs: { 'user.color': 'blue' },
      content: 'the bytes',
    });
  });

  it('holds FIFOs', async () => {
    const members = await committed((bench) => mknod(bench, 'var/pipe', S_IFIFO | 0o620));
    expect(memberAt(members, 'var/pipe')).toMatchObject({ type: 'fifo', mode: 0o620, size: 0 });
  });

  it('does not hold a socket, and reports it', async () => {
    const bench = open();
    mknod(bench, 'var/socket', S_IFSOCK | 0o600);
    const layerBytes = await commit(bench);
    expect(paths(list(layerBytes))).toEqual(['.', 'var']);
    expect(layerBytes.leftOut).toEqual(["var/socket is a socket, which a tar can't hold: left out"]);
  });

  it('holds names of more than 100 bytes, and bytes that are not UTF-8', async () => {
    const long = 'n'.repeat(255);
    const members = await committed(async (bench) => {
      await bench.write(`var/${long}`, 'long');
      await bench.write('var/caf\xe9', 'latin1');
    });
    expect(paths(members)).toEqual(['var', 'var/caf\udce9', `var/${long}`]);
  });

  it('holds holes of a sparse file without their bytes', async () => {
    const HOLE = 1 << 18;
    const bench = open();
    await bench.write('var/sparse', '');
    await overwrite(bench, 'var/sparse', HOLE, 'end');
    const { bytes } = await commit(bench);
    expect(bytes.length).toBeLessThan(HOLE);
    const member = memberAt(list({ bytes, leftOut: [] }), 'var/sparse');
    expect(member?.content?.length).toBe(HOLE + 3);
    expect(member?.content?.endsWith('\0end')).toBe(true);
  });

  it('is the same, byte for byte, each time it is written', async () => {
    const bench = open();
    await bench.write('var/new', 'hello');
    unlink(bench, 'etc/passwd');
    const [first, second] = [await commit(bench), await commit(bench)];
    expect(second.bytes.equals(first.bytes)).toBe(true);
  });

  it('cannot hold a file whose name begins with .wh.', async () => {
    const bench = open();
    await bench.write('var/.wh.new', 'hello');
    await expect(commit(bench)).rejects.toThrow('/var/.wh.new: begins with .wh.');
  });
});

describeWith(['root', { program: 'python3' }], 'a layer that root has written', () => {
  it('holds changed owners', async () => {
    const members = await committed((bench) => setattr(bench, 'etc/passwd', { uid: 70_000, gid: 3_000_000 }));
    expect(memberAt(members, 'etc/passwd')).toMatchObject({
      uid: 70_000,
      gid: 3_000_000,
      content: 'the bytes',
    });
  });

  it('holds devices with their numbers', async () => {
    const members = await committed((bench) => {
      mknod(bench, 'var/null', S_IFCHR | 0o666, makeRdev(1, 3));
      mknod(bench, 'var/disk', S_IFBLK | 0o600, makeRdev(8, 300));
    });
    expect(memberAt(members, 'var/null')).toMatchObject({ type: 'char', mode: 0o666, device: [1, 3] });
    expect(memberAt(members, 'var/disk')).toMatchObject({ type: 'block', device: [8, 300] });
  });
});
