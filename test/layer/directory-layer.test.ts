import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDirectoryLayer } from '../../src/layer/directory-layer.ts';
import type { Layer } from '../../src/layer/layer.ts';
import type { MarkNamespace } from '../../src/overlayfs-format/overlay-xattrs.ts';
import { EIO, ESTALE } from '../../src/vfs/errno.ts';
import { InputError } from '../../src/vfs/input-error.ts';
import { describeWith } from '../requirements.ts';
import { dentriesByPath, inodeAt, nameOf, showFlags, showIndex, xattrsOf } from './show-index.ts';

let root: string;
let layer: Layer | undefined;
beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), 'stratafs-directory-'));
});
afterEach(() => {
  layer?.close();
  layer = undefined;
  fs.rmSync(root, { recursive: true });
});

const at = (path: string): string => join(root, path);
const file = (path: string, body = ''): void => {
  fs.mkdirSync(join(at(path), '..'), { recursive: true });
  fs.writeFileSync(at(path), body);
};
const setXattr = (path: string, name: string, value: string): void => {
  execFileSync('setfattr', ['-h', '-n', name, '-v', value, at(path)]);
};
const lines = (marks: MarkNamespace = 'trusted'): string[] => {
  layer = openDirectoryLayer(root, { marks });
  return showIndex(layer.index);
};

const markTools = ['root', { program: 'setfattr' }] as const;

describe('a directory', () => {
  test('shows its names, types and attributes', () => {
    file('d/x', 'abc');
    fs.symlinkSync('/not/there', at('l'));
    execFileSync('mkfifo', [at('p')]);
    fs.chmodSync(at('d'), 0o1750);
    fs.chmodSync(at('d/x'), 0o4711);
    fs.lutimesSync(at('d/x'), 1e9, 12345.5);
    expect(lines()).toEqual(['- d/x', 'd d', 'l l -> /not/there', 'p p']);
    const index = (layer as Layer).index;
    const x = inodeAt(index, 'd/x');
    const stat = fs.lstatSync(at('d/x'));
    expect([index.mode[x], index.uid[x], index.gid[x], index.size[x]]).toEqual([
      0o104711,
      stat.uid,
      stat.gid,
      3,
    ]);
    expect([index.mtimeSec[x], index.mtimeNsec[x], index.atimeSec[x]]).toEqual([12345, 500_000_000, 1e9]);
    expect(index.mode[inodeAt(index, 'd')]).toBe(0o41750);
    expect(index.mode[0]).toBe(fs.statSync(root).mode);
    expect(showFlags(index, 0)).toBe('');
  });

  test('has names and targets as raw bytes', () => {
    const name = Buffer.from([0xff, 0x0a, 0x20]);
    fs.writeFileSync(Buffer.concat([Buffer.from(`${root}/`), name]), '');
    fs.symlinkSync(Buffer.from([0xfe]), at('l'));
    expect(lines()).toEqual(['- \xff\n ', 'l l -> \xfe']);
    const index = (layer as Layer).index;
    expect(nameOf(index, dentriesByPath(index).get('\xff\n ') as number)).toEqual(name);
  });

  test('joins the names of one inode', () => {
    file('a', 'abc');
    fs.mkdirSync(at('d'));
    fs.linkSync(at('a'), at('d/b'));
    fs.symlinkSync('x', at('l'));
    fs.linkSync(at('l'), at('m'));
    expect(lines()).toEqual(['- a =1', '- d/b =1', 'd d', 'l l -> x =2', 'l m -> x =2']);
  });

  test('of many entries and many levels is whole', () => {
    for (let i = 0; i < 3000; i++) fs.writeFileSync(at(`file-with-a-longer-name-${i}`), '');
    fs.mkdirSync(at('d/'.repeat(300)), { recursive: true });
    expect(lines()).toHaveLength(3300);
  });

  test('is not followed out of by symlinks', () => {
    fs.symlinkSync('/', at('out'));
    expect(lines()).toEqual(['l out -> /']);
  });

  test('that is missing, or none, is an error', () => {
    expect(() => openDirectoryLayer(at('missing'), { marks: 'user' })).toThrow(/ENOENT/);
    file('f');
    expect(() => openDirectoryLayer(at('f'), { marks: 'user' })).toThrow(/ENOTDIR/);
  });
});

describeWith(['root'], 'mounts in a directory', () => {
  test('are not shown, their places are', () => {
    fs.mkdirSync(at('m'));
    execFileSync('mount', ['-t', 'tmpfs', 'stratafs-test', at('m')]);
    try {
      file('m/x');
      file('n/x');
      expect(lines()).toEqual(['- n/x', 'd m', 'd n']);
    } finally {
      execFileSync('umount', [at('m')]);
    }
  });
});

describeWith(markTools, 'marks of overlayfs', () => {
  test('a 0:0 character device is a whiteout, any other a device', () => {
    fs.mkdirSync(at('d'));
    execFileSync('mknod', [at('d/gone'), 'c', '0', '0']);
    execFileSync('mknod', [at('null'), 'c', '1', '3']);
    expect(lines()).toEqual(['c null', 'd d', 'w d/gone']);
    const index = (layer as Layer).index;
    expect(index.rdev[inodeAt(index, 'null')]).toBe(0x103);
  });

  test.each(['trusted', 'user'] as const)('%s.overlay.opaque makes a directory opaque', (prefix) => {
    file('d/x');
    setXattr('d', `${prefix}.overlay.opaque`, 'y');
    setXattr('.', `${prefix}.overlay.opaque`, 'y');
    expect(lines(prefix)).toEqual(['- d/x', 'd d [opaque]']);
    expect(showFlags((layer as Layer).index, 0)).toBe(' [opaque]');
    expect((layer as Layer).index.xattr[inodeAt((layer as Layer).index, 'd')]).toBe(0);
  });

  test('an empty file with overlay.whiteout is one in a directory marked x only', () => {
    file('d/gone');
    file('d/full', 'x');
    file('e/kept');
    for (const path of ['d/gone', 'd/full', 'e/kept']) setXattr(path, 'trusted.overlay.whiteout', 'y');
    setXattr('d', 'trusted.overlay.opaque', 'x');
    expect(lines()).toEqual(['- d/full', '- e/kept', 'd d', 'd e', 'w d/gone']);
  });

  test('are not shown; an escaped one is, without its escape; those of the other namespace are data', () => {
    file('f');
    setXattr('f', 'trusted.overlay.origin', 'o');
    setXattr('f', 'user.overlay.metacopy', 'y');
    setXattr('f', 'trusted.overlay.overlay.opaque', 'z');
    setXattr('f', 'user.a', 'v');
    lines();
    expect(xattrsOf((layer as Layer).index, inodeAt((layer as Layer).index, 'f'))).toEqual({
      'trusted.overlay.opaque': Buffer.from('z'),
      'user.a': Buffer.from('v'),
      'user.overlay.metacopy': Buffer.from('y'),
    });
    expect((layer as Layer).index.metacopies).toBeUndefined();
  });

  test('redirects and metacopies are listed by inode', () => {
    file('f');
    fs.mkdirSync(at('d'));
    setXattr('d', 'trusted.overlay.redirect', '/x/y');
    setXattr('f', 'trusted.overlay.metacopy', '');
    setXattr('f', 'trusted.overlay.redirect', 'g');
    lines();
    const { index } = layer as Layer;
    const [d, f] = [inodeAt(index, 'd'), inodeAt(index, 'f')];
    expect([...(index.metacopies ?? [])]).toEqual([f]);
    expect(index.redirects?.get(d)).toEqual(new Uint8Array(Buffer.from('/x/y')));
    expect(index.redirects?.get(f)).toEqual(new Uint8Array(Buffer.from('g')));
  });

  test.each(['', 'a/b'])('the redirect %j is refused', (redirect) => {
    fs.mkdirSync(at('d'));
    setXattr('d', 'trusted.overlay.redirect', redirect);
    expect(() => lines()).toThrow(InputError);
    expect(() => lines()).toThrow(/at 'd': overlay.redirect is/);
  });

  test('root follows none in user.overlay.*, wherever it leads and whosesoever the file is', () => {
    for (const name of ['f', 'opaque/g']) file(name);
    fs.mkdirSync(at('d'));
    setXattr('f', 'user.overlay.metacopy', '');
    setXattr('d', 'user.overlay.redirect', 'a/b');
    setXattr('opaque', 'user.overlay.redirect', '/x');
    setXattr('opaque', 'user.overlay.opaque', 'y');
    lines('user');
    const { index } = layer as Layer;
    expect([...(index.unfollowed ?? [])].sort()).toEqual([inodeAt(index, 'd'), inodeAt(index, 'f')].sort());
    expect([index.metacopies?.size, index.redirects?.size]).toEqual([0, 0]);
  });

  test.each([
    ['trusted', 'user', 'add -o userxattr'],
    ['user', 'trusted', 'leave out userxattr'],
  ] as const)(
    'an upper directory is refused where %s marks are obeyed and it has %s ones',
    (obeyed, has, hint) => {
      setXattr('.', `${has}.overlay.stratafs`, 'identity');
      expect(() => lines(obeyed)).toThrow(`is an upper directory with its marks in ${has}.overlay.*`);
      expect(() => lines(obeyed)).toThrow(hint);
      expect(lines(has)).toEqual([]);
    },
  );
});

describe('whiteouts of AUFS', () => {
  test('hide by name, hard-linked or not', () => {
    file('.wh..wh.aufs');
    fs.linkSync(at('.wh..wh.aufs'), at('.wh.a'));
    fs.linkSync(at('.wh..wh.aufs'), at('.wh.b'));
    file('d/.wh..wh..opq');
    file('d/x');
    file('.wh..wh.plnk/1.2');
    expect(lines()).toEqual(['- d/x', 'd d [opaque]', 'w a', 'w b']);
  });

  test('a bare .wh. is refused by name', () => {
    file('d/.wh.');
    expect(() => lines()).toThrow(/at 'd\/.wh.': found the whiteout 'd\/.wh.'/);
  });
});

describe('the reader', () => {
  const read = async (offset: number, length: number): Promise<unknown> =>
    await (layer as Layer).reader.read(offset, length);
  const place = (path: string): number => {
    const { index } = layer as Layer;
    return index.dataOffset[inodeAt(index, path)] as number;
  };

  test('has each file in a range of its own, however many are open', async () => {
    for (let i = 0; i < 200; i++) file(`d${i % 7}/f${i}`, `content ${i}`);
    file('empty');
    lines();
    const all = Array.from({ length: 200 }, async (_, i) => {
      const path = `d${i % 7}/f${i}`;
      expect(await read(place(path), 100)).toEqual(Buffer.from(`content ${i}`));
      expect(await read(place(path) + 8, 2)).toEqual(Buffer.from(`${i}`.slice(0, 2)));
    });
    await Promise.all(all);
    expect((layer as Layer).reader.size).toBe(200 * 8 + 10 + 90 * 2 + 100 * 3);
    expect(await read((layer as Layer).reader.size, 10)).toHaveLength(0);
    expect(fs.readdirSync('/proc/self/fd').length).toBeLessThan(64 + 60);
  });

  test('answers an errno for a file that was cut, removed or replaced', async () => {
    for (const name of ['cut', 'removed', 'replaced', 'linked']) file(name, 'abcdef');
    lines();
    fs.truncateSync(at('cut'), 2);
    fs.rmSync(at('removed'));
    fs.rmSync(at('replaced'));
    execFileSync('mkfifo', [at('replaced')]);
    fs.renameSync(at('linked'), at('elsewhere'));
    fs.symlinkSync('elsewhere', at('linked'));
    expect(await read(place('cut'), 6)).toBe(-EIO);
    expect(await read(place('removed'), 6)).toBeLessThan(0);
    expect(await read(place('replaced'), 6)).toBe(-EIO);
    expect(await read(place('linked'), 6)).toBeLessThan(0);
  });

  test('reads no file that was renamed to the name of another', async () => {
    file('public', 'abcdef');
    file('dir/public', 'abcdef');
    file('secret', 'SECRET');
    file('private/public', 'SECRET');
    lines();
    fs.renameSync(at('secret'), at('public'));
    fs.renameSync(at('dir'), at('gone'));
    fs.renameSync(at('private'), at('dir'));
    expect(await read(place('public'), 6)).toBe(-ESTALE);
    expect(await read(place('dir/public'), 6)).toBe(-ESTALE);
  });

  test('closes its descriptors', async () => {
    file('f', 'abc');
    const before = fs.readdirSync('/proc/self/fd').length;
    lines();
    await read(place('f'), 3);
    layer?.close();
    layer = undefined;
    expect(fs.readdirSync('/proc/self/fd')).toHaveLength(before);
  });
});

describeWith([{ program: 'setfattr' }], 'owners that files keep in an xattr', () => {
  const [containers, user] = ['user.containers.override_stat', 'user.fuseoverlayfs.override_stat'] as const;
  const shown = (path: string): unknown => {
    const { index } = layer as Layer;
    const inode = inodeAt(index, path);
    const [mode, uid, gid, rdev] = [index.mode, index.uid, index.gid, index.rdev].map((each) => each[inode]);
    return { mode: mode?.toString(8), uid, gid, rdev, xattrs: Object.keys(xattrsOf(index, inode)) };
  };
  const open = (): void => {
    layer = openDirectoryLayer(root, { marks: 'user', obeysOwners: true });
  };

  test('count where the root keeps some, in the one form or the other, and never show', () => {
    setXattr('', user, '3:4:40711');
    for (const name of ['f', 'g', 'dev', 'plain', 'whiteout']) file(name);
    setXattr('f', user, '1000:1001:4640');
    setXattr('g', containers, '5:6:0600:file');
    setXattr('g', 'user.own', 'x');
    setXattr('dev', user, '0:6:666:char-1-3');
    setXattr('whiteout', user, '0:0:600:char-0-0');
    open();
    expect(shown('')).toEqual({ mode: '40711', uid: 3, gid: 4, rdev: 0, xattrs: [] });
    expect(shown('f')).toEqual({ mode: '104640', uid: 1000, gid: 1001, rdev: 0, xattrs: [] });
    expect(shown('g')).toEqual({ mode: '100600', uid: 5, gid: 6, rdev: 0, xattrs: ['user.own'] });
    expect(shown('dev')).toMatchObject({ mode: '20666', uid: 0, gid: 6, rdev: 0x103 });
    // A device that can't be made hides nothing.
    expect(shown('whiteout')).toMatchObject({ mode: '20600', rdev: 0 });
    expect(shown('plain')).toMatchObject({ uid: fs.lstatSync(at('plain')).uid });
  });

  test("count for nothing where the root keeps none, and don't show", () => {
    file('f');
    setXattr('f', user, '1000:1001:4640');
    open();
    expect(shown('f')).toMatchObject({ mode: fs.lstatSync(at('f')).mode.toString(8), xattrs: [] });
  });

  test('are data where nobody asked for them', () => {
    file('f');
    setXattr('', user, '3:4:711');
    setXattr('f', user, '1000:1001:4640');
    lines();
    expect(shown('f')).toMatchObject({ mode: fs.lstatSync(at('f')).mode.toString(8), xattrs: [user] });
  });

  test('that can not be understood are an error that names the file', () => {
    setXattr('', user, '0:0:755');
    file('d/f');
    setXattr('d/f', user, '0:0:755:dir');
    expect(open).toThrow(
      new InputError(
        `${root}: at 'd/f': override_stat is '0:0:755:dir', expected UID:GID:MODE and a type that the file can stand for`,
      ),
    );
  });
});
