// EROFS images of layers that are made to break them, read by the kernel.
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { S_IFBLK, S_IFCHR, makeRdev } from '../../src/vfs/attr.ts';
import { writeErofsImage } from '../../src/erofs/write-image.ts';
import { describeWith } from '../requirements.ts';
import { type Children, directory, file, layer, special, symlink } from '../tree/layer-maker.ts';
import { Random } from '../tree/random.ts';
import { withScratch } from '../oracle/stack.ts';
import { type BlobLayer, blobSource, withBlobMount } from './blob-stack.ts';
import { EROFS } from './kernel-mount.ts';

const BLOCK = 512;

/** The bytes that a mapping of the file shows, up to the end of its last page. */
function mapped(path: string): Buffer {
  const program =
    'import mmap,sys,os; f=os.open(sys.argv[1],os.O_RDONLY); n=os.fstat(f).st_size; import ctypes; ' +
    'm=mmap.mmap(f,n,prot=mmap.PROT_READ); a=ctypes.CDLL(None); a.mmap.restype=ctypes.c_void_p; ' +
    'a.mmap.argtypes=[ctypes.c_void_p,ctypes.c_size_t,ctypes.c_int,ctypes.c_int,ctypes.c_int,ctypes.c_long]; ' +
    'p=a.mmap(None,(n+4095)//4096*4096,1,2,f,0); ' +
    'sys.stdout.buffer.write(ctypes.string_at(p,(n+4095)//4096*4096))';
  return execFileSync('python3', ['-c', program, path]);
}

const xattrsOf = (path: string): string =>
  execFileSync('getfattr', ['-h', '-d', '-m', '-', '--absolute-names', path], { encoding: 'latin1' });

const discard = { write: () => Promise.resolve() };

describeWith(EROFS, 'an EROFS image of hostile layers', () => {
  it('shows zeros after the end of a file, whatever the padding has', () =>
    withScratch(async (scratch) => {
      const sizes = [1, 100, 511, 513, 4096, 5000, 100_000];
      const blob = Buffer.alloc(600 * BLOCK, 'evil');
      const starts = sizes.map((_, i) => 50 * BLOCK * i);
      const children = Object.fromEntries(
        sizes.map((size, i) => [`f${size}`, file({ size, data: starts[i] as number })]),
      );
      await withBlobMount(scratch, [{ index: layer(children), blob }], (mountPoint) => {
        for (const [i, size] of sizes.entries()) {
          const start = starts[i] as number;
          const bytes = mapped(join(mountPoint, `f${size}`));
          expect(bytes.subarray(0, size).equals(blob.subarray(start, start + size)), `f${size}`).toBe(true);
          expect(
            bytes.subarray(size).every((byte) => byte === 0),
            `after f${size}`,
          ).toBe(true);
        }
      });
    }));

  it('reads a file whose padding the layer has cut off', () =>
    withScratch(async (scratch) => {
      const blob = Buffer.alloc(3 * BLOCK + 100, 'tail');
      const children = { last: file({ size: blob.length }), one: file({ size: 99, data: 3 * BLOCK }) };
      await withBlobMount(scratch, [{ index: layer(children), blob }], (mountPoint) => {
        expect(readFileSync(join(mountPoint, 'last')).equals(blob)).toBe(true);
        expect(readFileSync(join(mountPoint, 'one')).equals(blob.subarray(3 * BLOCK, 3 * BLOCK + 99))).toBe(
          true,
        );
      });
    }));

  it('reads layers and files that begin between blocks', () =>
    withScratch(async (scratch) => {
      const blob = Buffer.from(Array.from({ length: 64 * BLOCK }, (_, i) => (i * 7919) >>> 5));
      const children = { a: file({ size: 5000, data: 512 }), b: file({ size: 9000, data: 1001 }) };
      const layers: BlobLayer[] = [
        { index: layer({ low: file({ size: 3000, data: 1024 }) }), blob, startByte: 77 },
        { index: layer(children), blob, startByte: 1024 },
      ];
      await withBlobMount(scratch, layers, (mountPoint) => {
        for (const [name, start, size] of [
          ['low', 1024, 3000],
          ['a', 512, 5000],
          ['b', 1001, 9000],
        ] as const) {
          expect(readFileSync(join(mountPoint, name)).equals(blob.subarray(start, start + size)), name).toBe(
            true,
          );
        }
      });
    }));

  it('reads random sparse files, on devices and copied', () =>
    withScratch(async (scratch) => {
      const random = new Random(1);
      const blob = Buffer.from(Array.from({ length: 1 << 18 }, () => 1 + random.below(255)));
      const children: Children = {};
      const expected = new Map<string, Buffer>();
      for (let n = 0; n < 60; n++) {
        const size = 1 + random.below(1 << 18);
        const unit = [1, 512, 4096][random.below(3)] as number;
        const extents: [number, number, number][] = [];
        const content = Buffer.alloc(size);
        for (let at = unit * random.below(40); at < size;) {
          const length = Math.min(size - at, unit * (1 + random.below(40)));
          const from = Math.floor(random.below(blob.length - length) / unit) * unit;
          extents.push([at, length, from]);
          blob.copy(content, at, from, from + length);
          at += length + unit * random.below(60);
        }
        children[`s${n}`] = file({ size, extents });
        expected.set(`s${n}`, content);
      }
      await withBlobMount(scratch, [{ index: layer(children), blob }], (mountPoint) => {
        for (const [name, content] of expected) {
          expect(readFileSync(join(mountPoint, name)).equals(content), name).toBe(true);
        }
      });
    }));

  it('holds sparse files of a terabyte, and refuses one that would fill the disk', () =>
    withScratch(async (scratch) => {
      const size = 2 ** 40;
      const blob = Buffer.alloc(8 * BLOCK, 'x');
      const few = file({ size, extents: [[size / 2, BLOCK, 0]] });
      await withBlobMount(scratch, [{ index: layer({ few }), blob }], (mountPoint) => {
        expect(statSync(join(mountPoint, 'few')).size).toBe(size);
        const program = `import os,sys; f=os.open(sys.argv[1],0); print(os.pread(f,3,${size / 2 - 1}),os.pread(f,9,${size - 3}))`;
        expect(execFileSync('python3', ['-c', program, join(mountPoint, 'few')], { encoding: 'utf8' })).toBe(
          "b'\\x00xx' b'\\x00\\x00\\x00'\n",
        );
      });
      const extents = Array.from({ length: 5000 }, (_, i): [number, number, number] => [
        i * 2 ** 27 + 1,
        1,
        i,
      ]);
      const many = blobSource([{ index: layer({ many: file({ size, extents }) }), blob }], {
        maxCopiedBytes: 1 << 26,
      });
      await expect(writeErofsImage(many, discard)).rejects.toThrow(/more than 67108864 bytes/);
    }));

  it('lists and finds names around "." and in large directories', () =>
    withScratch(async (scratch) => {
      const odd = ['!', '-', '.-', '.a', '..a', '.0', '/'.replace('/', ' '), '~', '\u00ff', 'n'.repeat(255)];
      const many = Array.from({ length: 20_000 }, (_, i) => `name-${i}`);
      const children = (names: readonly string[]): Children =>
        Object.fromEntries(names.map((name) => [name, file()]));
      const index = layer({
        odd: directory(children(odd)),
        many: directory(children(many)),
        empty: directory(),
        ...Object.fromEntries(
          Array.from({ length: 80 }, (_, n) => [
            `d${n}`,
            directory(children(Array.from({ length: n }, (_, i) => `${'x'.repeat(n)}${i}`))),
          ]),
        ),
      });
      await withBlobMount(scratch, [{ index }], (mountPoint) => {
        const list = (name: string): string[] => readdirSync(join(mountPoint, name), 'latin1').sort();
        expect(list('odd')).toEqual(odd.toSorted());
        expect(list('many')).toEqual(many.toSorted());
        expect(list('empty')).toEqual([]);
        for (let n = 0; n < 80; n++) expect(list(`d${n}`)).toHaveLength(n);
        for (const name of odd) {
          const path = Buffer.concat([Buffer.from(`${mountPoint}/odd/`), Buffer.from(name, 'latin1')]);
          expect(lstatSync(path).isFile(), name).toBe(true);
        }
        for (const name of many.slice(0, 300)) expect(lstatSync(join(mountPoint, 'many', name)).size).toBe(0);
        expect(() => lstatSync(join(mountPoint, 'many', 'name-20000'))).toThrow('ENOENT');
        expect(lstatSync(join(mountPoint, 'odd', '..')).ino).toBe(lstatSync(mountPoint).ino);
      });
    }));

  it('places tails of any length after inodes with and without xattrs', () =>
    withScratch(async (scratch) => {
      const lengths = Array.from({ length: 140 }, (_, i) => 400 + i);
      const children: Children = {
        ...Object.fromEntries(lengths.map((length) => [`l${length}`, symlink('t'.repeat(length))])),
        ...Object.fromEntries(
          Array.from({ length: 100 }, (_, i) => {
            const names = ['a'.repeat(150), 'b'.repeat(150), 'c'.repeat(100 + i)];
            return [`d${i}`, directory(Object.fromEntries(names.map((name) => [name, file()])))];
          }),
        ),
      };
      for (const [n, layerNames] of [undefined, [Buffer.from('layer 1')]].entries()) {
        const place = join(scratch, String(n));
        mkdirSync(place);
        await withBlobMount(
          place,
          [{ index: layer(children) }],
          (mountPoint) => {
            for (const length of lengths) {
              expect(readlinkSync(join(mountPoint, `l${length}`))).toBe('t'.repeat(length));
            }
            for (let i = 0; i < 100; i++) {
              const names = readdirSync(join(mountPoint, `d${i}`));
              expect(names.map((name) => name.length)).toEqual([150, 150, 100 + i]);
            }
          },
          { layerNames },
        );
      }
    }));

  it('holds symlinks of any length, extreme numbers and many hard links', () =>
    withScratch(async (scratch) => {
      const lengths = [1, 59, 430, 440, 447, 448, 449, 511, 512, 513, 1023, 4095];
      const linked = file({ size: 3 });
      const children: Children = {
        ...Object.fromEntries(lengths.map((length) => [`l${length}`, symlink('t'.repeat(length))])),
        ...Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`h${i}`, linked])),
        old: file({ mtime: -(2 ** 33), uid: 2 ** 32 - 2, gid: 2 ** 31 }),
        new: file({ mtime: 2 ** 34 }),
        device: special(S_IFBLK | 0o600, makeRdev(4095, 1_048_575)),
      };
      const blob = Buffer.alloc(BLOCK);
      await withBlobMount(scratch, [{ index: layer(children), blob }], (mountPoint) => {
        for (const length of lengths) {
          expect(readlinkSync(join(mountPoint, `l${length}`))).toBe('t'.repeat(length));
        }
        const show = (name: string): string =>
          execFileSync('stat', ['-c', '%Y %u %g %h', join(mountPoint, name)], { encoding: 'utf8' }).trim();
        expect(show('old')).toBe(`${-(2 ** 33)} ${2 ** 32 - 2} ${2 ** 31} 1`);
        expect(show('new')).toBe(`${2 ** 34} 0 0 1`);
        expect(show('h7')).toBe('0 0 0 500');
        const types = execFileSync('stat', ['-c', '%t %T %F', join(mountPoint, 'device')], {
          encoding: 'utf8',
        });
        expect(types.trim()).toBe('fff fffff block special file');
      });
    }));

  it('holds large, many and shared xattrs, and refuses a file with too many', () =>
    withScratch(async (scratch) => {
      const values = (count: number, length: number): Record<string, string> =>
        Object.fromEntries(Array.from({ length: count }, (_, i) => [`user.x${i}`, 'v'.repeat(length)]));
      const children: Children = {
        many: file({ xattrs: values(1000, 10) }),
        large: file({ xattrs: { 'user.large': 'L'.repeat(65_535), 'user.none': '' } }),
        ...Object.fromEntries(
          Array.from({ length: 9 }, (_, i) => [`s${i}`, file({ xattrs: values(300, 9) })]),
        ),
        ...Object.fromEntries(
          Array.from({ length: 9 }, (_, i) => [`t${i}`, file({ xattrs: values(4, 500) })]),
        ),
        odd: file({ xattrs: { 'user.stratafs.layer': 'a lie', 'system.other': 'x', 'user.kept': 'k' } }),
      };
      const names = [Buffer.from('layer 1')];
      await withBlobMount(
        scratch,
        [{ index: layer(children) }],
        (mountPoint) => {
          const count = (name: string): number =>
            xattrsOf(join(mountPoint, name))
              .split('\n')
              .filter((line) => line.startsWith('user.x')).length;
          expect([count('many'), count('s3'), count('t8')]).toEqual([1000, 300, 4]);
          expect(xattrsOf(join(mountPoint, 'large'))).toContain(`user.large="${'L'.repeat(65_535)}"`);
          const odd = xattrsOf(join(mountPoint, 'odd')).split('\n').slice(1, -2).sort();
          expect(odd).toEqual(['user.kept="k"', 'user.stratafs.layer="layer 1"']);
        },
        { layerNames: names },
      );
      const index = layer({ d: directory({ 'x y': file({ xattrs: values(5, 60_000) }) }) });
      await expect(writeErofsImage(blobSource([{ index }]), discard)).rejects.toThrow(
        /^d\/x y: has 300\d+ bytes of xattrs/,
      );
    }));

  it('is safe beneath kernel overlayfs: escapes its xattrs, has no device 0:0', () =>
    withScratch(async (scratch) => {
      const children: Children = {
        opaque: directory(
          { inside: file() },
          { xattrs: { 'trusted.overlay.opaque': 'y', 'user.overlay.opaque': 'y' } },
        ),
        redirected: directory({ own: file() }, { xattrs: { 'trusted.overlay.redirect': '/opaque' } }),
        zero: special(S_IFCHR | 0o600, 0),
        null: special(S_IFCHR | 0o666, makeRdev(1, 3)),
        copied: file({ size: 5, xattrs: { 'trusted.overlay.metacopy': '' } }),
      };
      const layers = [{ index: layer(children), blob: Buffer.alloc(BLOCK, 'abcde') }];
      await withBlobMount(
        scratch,
        layers,
        (mountPoint) => {
          const names = ['copied', 'null', 'opaque', 'redirected'];
          expect(readdirSync(mountPoint).sort()).toEqual(names);
          const overlay = join(scratch, 'overlay');
          for (const name of ['overlay', 'upper', 'work']) execFileSync('mkdir', [join(scratch, name)]);
          const options = `lowerdir=${mountPoint},upperdir=${scratch}/upper,workdir=${scratch}/work,redirect_dir=on,metacopy=on`;
          execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', options, overlay]);
          try {
            expect(readdirSync(overlay).sort()).toEqual(names);
            expect(readdirSync(join(overlay, 'opaque'))).toEqual(['inside']);
            expect(readdirSync(join(overlay, 'redirected'))).toEqual(['own']);
            expect(readFileSync(join(overlay, 'copied'), 'latin1')).toBe('abcde');
            expect(xattrsOf(join(overlay, 'opaque'))).toContain('trusted.overlay.opaque="y"');
          } finally {
            execFileSync('umount', [overlay]);
          }
        },
        { isOverlayLower: true },
      );
      for (const isOverlayLower of [true, false]) {
        const { leftOut } = await writeErofsImage(blobSource(layers, { isOverlayLower }), discard);
        expect(leftOut).toBe(isOverlayLower ? 1 : 0);
      }
    }));

  it('needs no device if all bytes are copied into it', () =>
    withScratch(async (scratch) => {
      const blob = Buffer.from(Array.from({ length: 40 * BLOCK }, (_, i) => (i * 7919) >>> 5));
      const index = layer({ a: file({ size: 12_345, data: 600 }), hole: file({ size: 9000, extents: [] }) });
      const source = blobSource([{ index, blob }]);
      const layers = source.layers.map((each) => ({ ...each, device: undefined }));
      await withBlobMount(
        scratch,
        [{ index, blob }],
        (mountPoint) => {
          expect(readFileSync(join(mountPoint, 'a')).equals(blob.subarray(600, 600 + 12_345))).toBe(true);
          expect(readFileSync(join(mountPoint, 'hole')).equals(Buffer.alloc(9000))).toBe(true);
        },
        { layers, devices: [] },
      );
    }));
});
