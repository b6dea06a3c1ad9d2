// Numbers in the headers that we write, at the limits of their fields and past them, as other people's programs read them.
import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, lstatSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { TarWriter, type WrittenMember } from '../../src/tar/tar-writer.ts';
import { scratchDirectory } from '../image/scratch.ts';
import { writeOciLayout } from '../oracle/oci-layout.ts';
import { describeWith } from '../requirements.ts';
import { pax, rawHeader, rawMember, rawTar } from './raw-tar.ts';
import { readMember, readMembers } from './read-members.ts';

const plain: WrittenMember = {
  ...{ path: new Uint8Array(), mode: 0o100644, uid: 0, gid: 0, mtimeSec: 0, mtimeNsec: 0 },
  ...{
    rdevMajor: 0,
    rdevMinor: 0,
    size: 0,
    link: undefined,
    isHardLink: false,
    xattrs: [],
    pieces: undefined,
  },
};
const around = (limit: number): number[] => [limit - 1, limit, limit + 1];

/** Six octal digits (a writer that we had clamped there), seven, and the largest ID. */
const ids = [...around(8 ** 6 - 1), ...around(8 ** 7 - 1), 2 ** 32 - 2];
/** Eleven octal digits, 31 and 32 bits, and before 1970. */
const times = [-(2 ** 31), -1, 0, ...around(2 ** 31 - 1), 2 ** 32, ...around(8 ** 11 - 1)];
const minors = [...around(8 ** 6 - 1), 2 ** 20 - 1];
const modes = [0, 0o777, 0o7777];

const xattrTools = ['setfattr', 'getfattr', 'bsdtar', 'umoci'].map((program) => ({ program }));

interface ListedFile {
  uid: number;
  gid: number;
  mtime: number;
  mode: number;
  major: number;
  minor: number;
}

function allMembers(): Map<string, WrittenMember> {
  const members = new Map<string, WrittenMember>();
  const put = (name: string, fields: Partial<WrittenMember>): void =>
    void members.set(name, { ...plain, ...fields, path: Buffer.from(name) });
  for (const id of ids) {
    put(`uid${id}`, { uid: id });
    put(`gid${id}`, { gid: id });
  }
  for (const time of times) put(`time${time}`, { mtimeSec: time });
  for (const minor of minors) put(`dev${minor}`, { mode: 0o20600, rdevMajor: 4095, rdevMinor: minor });
  for (const mode of modes) put(`mode${mode}`, { mode: 0o100000 | mode });
  return members;
}

async function write(members: Iterable<WrittenMember>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const writer = new TarWriter((bytes) => {
    chunks.push(bytes);
    return Promise.resolve();
  });
  for (const member of members) await writer.add(member);
  await writer.finish();
  return Buffer.concat(chunks);
}

function expected(): Record<string, ListedFile> {
  const all = [...allMembers()].map(([name, { uid, gid, mtimeSec, mode, rdevMajor, rdevMinor }]) => {
    return [name, { uid, gid, mtime: mtimeSec, mode: mode & 0o7777, major: rdevMajor, minor: rdevMinor }];
  });
  return Object.fromEntries(all) as Record<string, ListedFile>;
}

/** The lstat results of everything unpacked to `directory`. */
function unpacked(directory: string): Record<string, ListedFile> {
  const all = [...allMembers().keys()].map((name) => {
    const { uid, gid, mode, mtimeMs, rdev } = lstatSync(join(directory, name));
    const [major, minor] = [(rdev >>> 8) & 0xfff, (rdev & 0xff) | ((rdev >>> 12) & 0xfff00)];
    return [name, { uid, gid, mtime: Math.floor(mtimeMs / 1000), mode: mode & 0o7777, major, minor }];
  });
  return Object.fromEntries(all) as Record<string, ListedFile>;
}

/** The expected lstat results: a file system may keep fewer times than a tar, and of those the one that it shows counts. */
function expectedTimes(found: Record<string, ListedFile>, directory: string): Record<string, ListedFile> {
  const probe = join(directory, 'probe');
  writeFileSync(probe, '');
  const want = expected();
  for (const [name, each] of Object.entries(want)) {
    execFileSync('touch', ['-d', `@${each.mtime}`, probe]);
    const isKept = Math.floor(lstatSync(probe).mtimeMs / 1000) === each.mtime;
    if (!isKept) each.mtime = found[name]?.mtime ?? NaN;
  }
  return want;
}

const unpackers = {
  'GNU tar': (tar: string, to: string) =>
    execFileSync('tar', ['-xpf', tar, '--numeric-owner', '-C', to], { stdio: 'pipe' }),
  bsdtar: (tar: string, to: string) =>
    execFileSync('bsdtar', ['-xpf', tar, '--numeric-owner', '-C', to], { stdio: 'pipe' }),
};

describeWith(['root', { program: 'bsdtar' }], 'numbers at and past the limits of their fields', () => {
  it.each(Object.entries(unpackers))('are unpacked by %s as they were written', async (_, unpack) => {
    const directory = await scratchDirectory();
    const tar = join(directory, 'a.tar');
    writeFileSync(tar, await write(allMembers().values()));
    const to = await scratchDirectory();
    unpack(tar, to);
    const found = unpacked(to);
    expect(found).toEqual(expectedTimes(found, directory));
  });
});

describeWith(['root', { program: 'umoci' }], 'numbers at and past the limits of their fields', () => {
  it("are unpacked by umoci (Go's archive/tar) as they were written", async () => {
    const directory = await scratchDirectory();
    writeOciLayout(join(directory, 'layout'), [await write(allMembers().values())]);
    execFileSync('umoci', ['unpack', '--image', 'layout:latest', 'bundle'], {
      cwd: directory,
      stdio: 'pipe',
    });
    const found = unpacked(join(directory, 'bundle', 'rootfs'));
    expect(found).toEqual(expectedTimes(found, directory));
  });
});

const LIST = `
import json, math, sys, tarfile
listed = {}
for m in tarfile.open(sys.argv[1]):
    listed[m.name] = dict(uid=m.uid, gid=m.gid, mtime=math.floor(m.mtime), mode=m.mode, major=m.devmajor, minor=m.devminor, size=m.size)
json.dump(listed, sys.stdout)
`;

describeWith([{ program: 'python3' }], "numbers as Python's tarfile reads them", () => {
  it('are those that were written', async () => {
    const tar = join(await scratchDirectory(), 'a.tar');
    writeFileSync(tar, await write(allMembers().values()));
    const listed = JSON.parse(execFileSync('python3', ['-c', LIST, tar], { encoding: 'utf8' })) as unknown;
    expect(listed).toMatchObject(expected());
  });
});

/** A tar of one file of `size` zeros, itself a file with a hole in their place. */
async function writeLarge(path: string, size: number): Promise<void> {
  const fd = openSync(path, 'w');
  try {
    let at = 0;
    const zeros = Buffer.alloc(1 << 20);
    const writer = new TarWriter((bytes) => {
      if (bytes.buffer !== zeros.buffer) writeSync(fd, bytes, 0, bytes.length, at);
      at += bytes.length;
      return Promise.resolve();
    });
    async function* content(): AsyncGenerator<Uint8Array, void> {
      for (let left = size; left > 0; left -= zeros.length) {
        yield await Promise.resolve(zeros.subarray(0, Math.min(left, zeros.length)));
      }
    }
    await writer.add({ ...plain, path: Buffer.from('large'), size }, content());
    await writer.add({ ...plain, path: Buffer.from('after') });
    await writer.finish();
    ftruncateSync(fd, at);
  } finally {
    closeSync(fd);
  }
}

describeWith([{ program: 'bsdtar' }, { program: 'python3' }], 'a size of 8 GiB', () => {
  it.each(around(8 ** 11 - 1))(
    'or around it (%d) is read by GNU tar, bsdtar and Python',
    async (size) => {
      const tar = join(await scratchDirectory(), 'large.tar');
      await writeLarge(tar, size);
      const list = (program: string): string[][] =>
        execFileSync(program, ['-tvf', tar], { encoding: 'utf8' })
          .trim()
          .split('\n')
          .map((line) => line.split(/\s+/));
      expect(list('tar').map((line) => [line[2], line.at(-1)])).toEqual([
        [String(size), 'large'],
        ['0', 'after'],
      ]);
      expect(list('bsdtar').map((line) => [line[4], line.at(-1)])).toEqual([
        [String(size), 'large'],
        ['0', 'after'],
      ]);
      const listed = JSON.parse(execFileSync('python3', ['-c', LIST, tar], { encoding: 'utf8' })) as unknown;
      expect(listed).toMatchObject({ large: { size }, after: { size: 0 } });
    },
    60_000,
  );
});

describeWith(['root', ...xattrTools], 'names of xattrs with = and %', () => {
  const names = [
    'user.a=b',
    'user.50%',
    'user.%',
    'user.%2',
    'user.%3d',
    'user.p%25q',
    'user.%3D',
    'user.%%25=',
  ];
  const member = (): WrittenMember => ({
    ...plain,
    path: Buffer.from('file'),
    xattrs: names.map((name) => [Buffer.from(name), Buffer.from('v')] as const),
  });
  const namesOf = (file: string): string[] =>
    execFileSync('getfattr', ['--absolute-names', '--match=^user\\.', file], { encoding: 'utf8' })
      .split('\n')
      .slice(1)
      .filter((line) => line !== '')
      .map((line) => line.replaceAll('\\075', '='))
      .sort();

  it('are unpacked by GNU tar as they were', async () => {
    const directory = await scratchDirectory();
    writeFileSync(join(directory, 'a.tar'), await write([member()]));
    execFileSync('tar', ['--xattrs', '--xattrs-include=*', '-xf', 'a.tar'], { cwd: directory });
    expect(namesOf(join(directory, 'file'))).toEqual([...names].sort());
  });

  it('are unpacked by bsdtar as they were, by umoci but for those that have to be encoded', async () => {
    const directory = await scratchDirectory();
    const tar = await write([member()]);
    writeFileSync(join(directory, 'a.tar'), tar);
    writeOciLayout(join(directory, 'layout'), [tar]);
    execFileSync('bsdtar', ['--xattrs', '-xf', 'a.tar'], { cwd: directory });
    execFileSync('umoci', ['unpack', '--image', 'layout:latest', 'bundle'], {
      cwd: directory,
      stdio: 'pipe',
    });
    const encoded = ['user.a%3Db', 'user.p%2525q', 'user.%253D', 'user.%%2525%3D'];
    const expected = ['user.50%', 'user.%', 'user.%2', 'user.%3d', ...encoded].sort();
    // bsdtar reads both records.
    expect(namesOf(join(directory, 'file'))).toEqual([...new Set([...names, ...expected])].sort());
    expect(namesOf(join(directory, 'bundle', 'rootfs', 'file'))).toEqual(expected);
  });

  const packed = (directory: string, program: string, all: readonly string[]): Buffer => {
    const file = join(directory, 'file');
    writeFileSync(file, '');
    for (const name of all) execFileSync('setfattr', ['-n', name, '-v', 'v', file]);
    return execFileSync(program, ['--xattrs', '--format=pax', '-cf', '-', 'file'], { cwd: directory });
  };
  const readNames = (tar: Buffer): string[] =>
    Object.keys(readMember(tar).xattrs)
      .filter((name) => name.startsWith('user.'))
      .sort();

  it('that bsdtar has packed are read as they were', async () => {
    // bsdtar writes the last in percent-encoding alone.
    const all = [...names, 'user.\u00e4'];
    const expected = all.map((name) => Buffer.from(name).toString('latin1')).sort();
    expect(readNames(packed(await scratchDirectory(), 'bsdtar', all))).toEqual(expected);
  });

  it('that GNU tar has packed are read as umoci reads them', async () => {
    const directory = await scratchDirectory();
    const tar = packed(directory, 'tar', names);
    writeOciLayout(join(directory, 'layout'), [tar]);
    execFileSync('umoci', ['unpack', '--image', 'layout:latest', 'bundle'], {
      cwd: directory,
      stdio: 'pipe',
    });
    expect(readNames(tar)).toEqual(namesOf(join(directory, 'bundle', 'rootfs', 'file')));
  });

  it('are read as they were from what we write', async () => {
    expect(Object.keys(readMember(await write([member()])).xattrs).sort()).toEqual([...names].sort());
  });
});

/** As Go before 1.8 wrote a large uid and a long name: a ustar prefix in a GNU header. And a padded size. */
const oddWriters = (): Buffer =>
  rawTar(
    ...['a'.repeat(97), 'dir', 'dir/deep'].map((prefix) =>
      rawMember({
        ...{ name: 'foo', prefix, magic: 'gnu' },
        patch: (block) => block.set(Buffer.from('8000000000200000', 'hex'), 108),
      }),
    ),
    pax({ size: '5'.padStart(24, '0') }),
    rawHeader({ name: 'padded', size: 0 }),
    Buffer.from('12345'.padEnd(512, '\0')),
    rawMember({ name: 'after' }),
  );

describeWith([{ program: 'python3' }, { program: 'umoci' }, 'root'], 'odd headers of other writers', () => {
  it("are read as Python's tarfile and Go's archive/tar read them", async () => {
    const directory = await scratchDirectory();
    const tar = join(directory, 'a.tar');
    writeFileSync(tar, oddWriters());
    const listed = JSON.parse(execFileSync('python3', ['-c', LIST, tar], { encoding: 'utf8' })) as Record<
      string,
      ListedFile & { size: number }
    >;
    const members = readMembers(oddWriters());
    const ours = members.map(({ path, uid, size }) => [path, { uid, size }]);
    expect(listed).toMatchObject(Object.fromEntries(ours) as object);
    expect(Object.keys(listed)).toHaveLength(members.length);

    writeOciLayout(join(directory, 'layout'), [oddWriters()]);
    execFileSync('umoci', ['unpack', '--image', 'layout:latest', 'bundle'], {
      cwd: directory,
      stdio: 'pipe',
    });
    for (const { path, uid, size } of members) {
      const stat = lstatSync(join(directory, 'bundle', 'rootfs', path));
      expect([path, stat.uid, stat.size]).toEqual([path, uid, size]);
    }
  });
});
