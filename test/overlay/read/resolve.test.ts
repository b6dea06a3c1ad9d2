// How the mount shows files that another program has put into the upper. Expectations: kernel overlayfs
// (Documentation/filesystems/overlayfs.rst, fs/overlayfs/namei.c). The upper is changed while no mount uses it.
import { linkSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeOrigin } from '../../../src/overlayfs-format/origin.ts';
import { mknodAt } from '../../../src/sys/upper-calls.ts';
import { S_IFCHR, S_IFLNK, S_IFREG } from '../../../src/vfs/attr.ts';
import { bytesOf, latin1Of } from '../../../src/vfs/names.ts';
import { describeWith } from '../../requirements.ts';
import {
  LOWER_BYTES,
  MARKS,
  between,
  errnoOf,
  inUpper,
  namesIn,
  readBytes,
  setMark,
  useSample,
} from '../sample.ts';
import { type Bench, check } from '../writable.ts';

const open = useSample();
/** The identity of the tree in writable.ts. */
const IDENTITY = Buffer.alloc(16, 7);
/** An origin that kernel overlayfs could have written: a file handle of another kind. */
const KERNEL_ORIGIN = Buffer.from('00fb1d00010123456789abcdef0123456789abcdef0123456789', 'hex');
const DIR_NAMES = ['added', 'below', 'file', 'other'];

const at = (bench: Bench, path: string): string => join(bench.upper, path);

function whiteout(bench: Bench, path: string): void {
  inUpper(bench, path, (dir, name) => check(mknodAt(dir, name, S_IFCHR, 0, 0), 'mknod', path));
}

/** A file without bytes, marked as a metacopy. */
function metacopy(bench: Bench, path: string, size: number, prefix = MARKS): void {
  writeFileSync(at(bench, path), '');
  truncateSync(at(bench, path), size);
  setMark(bench, path, 'metacopy', '', prefix);
}

describe('a file of the upper', () => {
  it('hides the lower file of its name', async () => {
    const bench = open();
    const { ino } = bench.lookup('top').attr;
    await between(bench, () => writeFileSync(at(bench, 'top'), 'upper'));
    expect(await readBytes(bench, 'top')).toBe('upper');
    expect(bench.lookup('top').attr.ino).not.toBe(ino);
  });

  it('hides a lower directory with its contents', async () => {
    const bench = open();
    await between(bench, () => writeFileSync(at(bench, 'dir'), 'upper'));
    expect(bench.lookup('dir').attr.size).toBe(5);
    expect(await errnoOf(() => bench.lookup('dir/file'))).toBe('ENOTDIR');
  });

  it('has the inode number of the lower file that its origin names, under any name', async () => {
    const bench = open();
    const { nodeId, attr } = bench.lookup('top');
    const { ino } = attr;
    await between(bench, () => {
      writeFileSync(at(bench, 'moved'), 'upper');
      setMark(bench, 'moved', 'origin', encodeOrigin(IDENTITY, nodeId - 1));
    });
    expect(bench.lookup('moved').attr.ino).toBe(ino);
  });

  it('with an origin of the kernel is a copy of the lower file of its name', async () => {
    const bench = open();
    const { ino } = bench.lookup('top').attr;
    await between(bench, () => {
      writeFileSync(at(bench, 'top'), 'upper');
      setMark(bench, 'top', 'origin', KERNEL_ORIGIN);
    });
    expect(bench.lookup('top').attr).toMatchObject({ ino, size: 5 });
  });

  it('is new if another file has the same origin', async () => {
    const bench = open();
    const node = bench.node('top');
    await between(bench, () => {
      for (const path of ['top', 'claims']) {
        writeFileSync(at(bench, path), path);
        setMark(bench, path, 'origin', encodeOrigin(IDENTITY, node - 1));
      }
    });
    expect(bench.lookup('top').nodeId).not.toBe(bench.lookup('claims').nodeId);
    expect(await readBytes(bench, 'claims')).toBe('claims');
  });

  it('is new if its origin is a file of another type', async () => {
    const bench = open();
    const { nodeId, attr } = bench.lookup('sym');
    const { ino } = attr;
    await between(bench, () => {
      writeFileSync(at(bench, 'claims'), '');
      setMark(bench, 'claims', 'origin', encodeOrigin(IDENTITY, nodeId - 1));
    });
    expect(bench.lookup('claims').attr.ino).not.toBe(ino);
    expect(bench.lookup('sym').attr.mode).toBe(S_IFLNK | 0o777);
  });

  it('with two names is one inode', async () => {
    const bench = open();
    await between(bench, () => {
      writeFileSync(at(bench, 'first'), '');
      linkSync(at(bench, 'first'), at(bench, 'second'));
    });
    expect(bench.lookup('first').nodeId).toBe(bench.node('second'));
    expect(bench.lookup('first').attr.nlink).toBe(2);
  });

  it('called `.wh.top` is an ordinary file', async () => {
    const bench = open();
    await between(bench, () => writeFileSync(at(bench, '.wh.top'), ''));
    expect(bench.exists('top')).toBe(true);
    expect(bench.exists('.wh.top')).toBe(true);
  });
});

describe('a whiteout', () => {
  it('hides the lower name', async () => {
    const bench = open();
    await between(bench, () => {
      whiteout(bench, 'top');
      whiteout(bench, 'dir');
    });
    expect(namesIn(bench, '')).toEqual(['empty', 'one', 'sym', 'two']);
  });

  it('that hides nothing does not show', async () => {
    const bench = open();
    await between(bench, () => whiteout(bench, 'nothing'));
    expect(bench.exists('nothing')).toBe(false);
  });

  it('may be an empty file with a mark, in a directory with the matching mark', async () => {
    const bench = open();
    await between(bench, () => {
      mkdirSync(at(bench, 'dir'));
      setMark(bench, 'dir', 'opaque', 'x');
      writeFileSync(at(bench, 'dir/file'), '');
      setMark(bench, 'dir/file', 'whiteout', 'y');
    });
    expect(namesIn(bench, 'dir')).toEqual(['added', 'below', 'other']);
  });

  it('in the form of a marked file is an ordinary file in any other directory', async () => {
    const bench = open();
    await between(bench, () => {
      mkdirSync(at(bench, 'dir'));
      writeFileSync(at(bench, 'dir/file'), '');
      setMark(bench, 'dir/file', 'whiteout', 'y');
    });
    expect(bench.lookup('dir/file').attr).toMatchObject({ mode: S_IFREG | 0o644, size: 0 });
  });
});

describe('a directory of the upper', () => {
  it('shows its names and those of the lower directory', async () => {
    const bench = open();
    await between(bench, () => {
      mkdirSync(at(bench, 'dir'));
      writeFileSync(at(bench, 'dir/new'), '');
    });
    expect(namesIn(bench, 'dir')).toEqual(['added', 'below', 'file', 'new', 'other']);
  });

  it('shows only its own names if it is opaque', async () => {
    const bench = open();
    await between(bench, () => {
      mkdirSync(at(bench, 'dir'));
      writeFileSync(at(bench, 'dir/new'), '');
      setMark(bench, 'dir', 'opaque', 'y');
    });
    expect(namesIn(bench, 'dir')).toEqual(['new']);
  });

  it('hides a lower file', async () => {
    const bench = open();
    await between(bench, () => mkdirSync(at(bench, 'top')));
    expect(namesIn(bench, 'top')).toEqual([]);
  });

  it('shows the names of the directory to which it is redirected, by path or in the same directory', async () => {
    const bench = open();
    await between(bench, () => {
      for (const [path, redirect] of Object.entries({ byName: 'dir', byPath: '/dir/below' })) {
        mkdirSync(at(bench, path));
        setMark(bench, path, 'redirect', redirect);
      }
      whiteout(bench, 'dir');
    });
    expect(namesIn(bench, 'byName')).toEqual(DIR_NAMES);
    expect(namesIn(bench, 'byPath')).toEqual(['inner']);
  });

  it('shows only its own names if its redirect leads to no directory', async () => {
    const bench = open();
    const redirects = ['missing', '/dir/missing', '/top', '/dir/../dir', '/dir/file/x', '../dir', '/'];
    await between(bench, () => {
      for (const [i, redirect] of redirects.entries()) {
        mkdirSync(at(bench, `new${i}`));
        setMark(bench, `new${i}`, 'redirect', redirect);
      }
    });
    for (const i of redirects.keys()) expect(namesIn(bench, `new${i}`)).toEqual([]);
  });
});

describe('a metacopy', () => {
  it('has the bytes of the lower file of its name', async () => {
    const bench = open();
    await between(bench, () => metacopy(bench, 'top', 100));
    expect(await readBytes(bench, 'top')).toBe(LOWER_BYTES.slice(0, 100));
  });

  it('has the bytes of the lower file to which it is redirected', async () => {
    const bench = open();
    await between(bench, () => {
      metacopy(bench, 'moved', 10);
      setMark(bench, 'moved', 'redirect', '/dir/file');
    });
    expect(await readBytes(bench, 'moved')).toBe(LOWER_BYTES.slice(0, 10));
  });

  it('is EIO if no lower file has its bytes', async () => {
    const bench = open();
    await between(bench, () => metacopy(bench, 'lost', 10));
    expect(bench.lookup('lost').attr.size).toBe(10);
    expect(await errnoOf(() => readBytes(bench, 'lost'))).toBe('EIO');
  });
});

describe('the marks', () => {
  it('do not show as xattrs, but escaped ones do', async () => {
    const bench = open();
    await between(bench, () => {
      mkdirSync(at(bench, 'new'));
      setMark(bench, 'new', 'opaque', 'y');
      setMark(bench, 'new', 'overlay.opaque', 'x');
    });
    const shown = latin1Of(bench.overlay.listxattr(bench.node('new')) as Uint8Array);
    expect(shown).toMatch(/^(trusted|user)\.overlay\.opaque\0$/);
    const value = bench.overlay.getxattr(bench.node('new'), bytesOf(shown.slice(0, -1)));
    expect(latin1Of(value as Uint8Array)).toBe('x');
  });
});

describeWith(['root'], 'with userxattr', () => {
  it('a redirect or metacopy is EPERM for root: any user could have set it', async () => {
    const bench = open({ usesUserXattrs: true });
    await between(bench, () => {
      mkdirSync(at(bench, 'new'));
      setMark(bench, 'new', 'redirect', '/dir', 'user.overlay.');
      metacopy(bench, 'copy', 10, 'user.overlay.');
      symlinkSync('x', at(bench, 'link'));
    });
    expect(await errnoOf(() => bench.lookup('new'))).toBe('EPERM');
    expect(await errnoOf(() => bench.lookup('copy'))).toBe('EPERM');
    expect(bench.exists('link')).toBe(true);
  });
});
