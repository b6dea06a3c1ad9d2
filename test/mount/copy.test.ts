// stratafs cp, export and tree against cp -a, tar and find on a mount of the same image: random images, as root and as an
// ordinary user.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { S_IFBLK, S_IFCHR, S_IFIFO, S_IFMT } from '../../src/vfs/attr.ts';
import { randomTars } from '../inspect/random-image.ts';
import { writeOciLayout } from '../oracle/oci-layout.ts';
import { withoutHoles } from '../oracle/recorded.ts';
import { snapshotDirectory } from '../oracle/snapshot.ts';
import { describeWith } from '../requirements.ts';
import { asNobody } from './other-users.ts';
import { fixture, run, withMounted, withWorkplace, type Workplace } from './stratafs.ts';

const IMAGES = 4;
const firstSeed = Number(process.env['STRATAFS_SEED'] ?? 1);

/** Makes the random images `image<seed>`, which an ordinary user can read; their seeds. */
function writeImages(place: Workplace): number[] {
  const seeds = Array.from({ length: IMAGES }, (_, n) => firstSeed + n);
  for (const seed of seeds) writeOciLayout(place.path(`image${seed}`), randomTars(seed, true));
  chmodSync(place.directory, 0o755);
  return seeds;
}

/** Runs a shell script in the workplace, with $S for the command. */
async function shell(place: Workplace, script: string): Promise<string> {
  const { status, stdout, stderr } = await run('sh', ['-ec', script], {
    cwd: place.directory,
    env: place.environment,
  });
  if (status !== 0) throw new Error(`exited with ${status}: ${stderr}`);
  return stdout;
}

/** The sorted names below the mount point and the bytes of its files, as find has them. */
async function foundIn(place: Workplace): Promise<{ paths: string[]; size: number }> {
  const paths = await shell(place, 'find mnt -printf "/%P\\0"');
  const files = await shell(place, 'find mnt -type f -printf "%i %s\\n" | sort -u | cut -d" " -f2');
  return { paths: splitPaths(paths), size: files.split('\n').reduce((sum, size) => sum + Number(size), 0) };
}

const splitPaths = (text: string): string[] => text.split('\0').slice(0, -1).sort();

/** What `stratafs tree` lists of `source` in the same form. */
async function listed(place: Workplace, source: string): Promise<{ paths: string[]; size: number }> {
  const { stdout } = await place.stratafs(['tree', '--paths', '-0', source]);
  const described = await place.stratafs(['tree', '--json', '--depth', '0', source]);
  return { paths: splitPaths(stdout), size: (JSON.parse(described.stdout) as [{ size: number }])[0].size };
}

/** Options of GNU tar. */
const WITH_XATTRS = "--xattrs --xattrs-include='*'";

/** What GNU tar unpacks of NAME.tar. Hard links of devices and fifos are separate files: GNU tar writes them so. */
async function unpack(
  place: Workplace,
  name: string,
  options = '',
): Promise<ReturnType<typeof withoutHoles>> {
  mkdirSync(place.path(name));
  await shell(place, `tar --same-owner -p ${options} -C ${name} -xf ${name}.tar`);
  const found = withoutHoles(snapshotDirectory(place.path(name)));
  return new Map(
    [...found].map(([path, entry]) => {
      const isSpecial = [S_IFCHR, S_IFBLK, S_IFIFO].includes(entry.mode & S_IFMT);
      return [path, isSpecial ? { ...entry, nlink: 1, sameAs: path } : entry];
    }),
  );
}

/** The whole tree, and one of its names. */
const COPIES = ['/.', '/a'];

describeWith(['root', 'fuse', { program: 'cp' }, { program: 'python3' }], 'root', () => {
  it(`${IMAGES} random images are copied as by cp -a from a mount, and listed as by find`, () =>
    withWorkplace(async (place) => {
      for (let seed = firstSeed; seed < firstSeed + IMAGES; seed++) {
        writeOciLayout(place.path(`image${seed}`), randomTars(seed));
        const source = `oci:image${seed}`;
        await place.mount(source);
        expect(await listed(place, source), `seed ${seed}`).toEqual(await foundIn(place));
        for (const [n, path] of COPIES.entries()) {
          const at = `${seed}-${n}`;
          mkdirSync(place.path(`cp${at}`));
          mkdirSync(place.path(`ours${at}`));
          const theirs = await run('cp', ['-a', `mnt${path}`, `cp${at}`], { cwd: place.directory });
          const ours = await place.stratafs(['cp', '-a', `${source}:${path}`, `ours${at}`]);
          expect(ours.status, `seed ${seed}, ${path}: ${ours.stderr}`).toBe(theirs.status);
          const copied = snapshotDirectory(place.path(`ours${at}`));
          const expected = snapshotDirectory(place.path(`cp${at}`));
          if (path !== '/.') for (const each of [copied, expected]) each.delete(''); // it was there
          expect(copied, `seed ${seed}, ${path}`).toEqual(expected);
        }
        await place.unmount();
      }
    }));

  it(`${IMAGES} random images are exported as by tar from a mount, with xattrs`, () =>
    withWorkplace(async (place) => {
      for (const seed of writeImages(place)) {
        await place.mount(`oci:image${seed}`);
        await shell(place, `tar --format=pax ${WITH_XATTRS} -C mnt -cf theirs${seed}.tar .`);
        await place.unmount();
        const { status, stderr } = await place.stratafs([
          'export',
          `oci:image${seed}`,
          '-o',
          `ours${seed}.tar`,
        ]);
        expect({ status, stderr }, `seed ${seed}`).toEqual({ status: 0, stderr: '' });
        const [ours, theirs] = [
          await unpack(place, `ours${seed}`, WITH_XATTRS),
          await unpack(place, `theirs${seed}`, WITH_XATTRS),
        ];
        expect(ours, `seed ${seed}`).toEqual(theirs);
      }
    }));

  it('what was written to a mount is copied as by cp -a, and listed as by find', () =>
    withMounted(
      fixture('edge-cases.tar'),
      async (place) => {
        await shell(
          place,
          `cd mnt; echo new > new; ln new linked; rm -r links; mv mode moved; chmod 4711 new; mkdir d; mkfifo d/fifo
           truncate -s 1M holes; echo end >> holes; touch -d @1 holes; python3 -c '
import socket; socket.socket(socket.AF_UNIX).bind("d/socket")'`,
        );
        mkdirSync(place.path('theirs'));
        mkdirSync(place.path('ours'));
        await shell(place, 'cp -a mnt/. theirs');
        const { status, stderr } = await place.stratafs(['cp', '-a', 'mnt:/.', 'ours']);
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        expect(await listed(place, 'mnt')).toEqual(await foundIn(place));
        // Holes of files that were written to a mount become zeros.
        expect(withoutHoles(snapshotDirectory(place.path('ours')))).toEqual(
          withoutHoles(snapshotDirectory(place.path('theirs'))),
        );
      },
      '--tmp',
    ));

  it('a full disk ends the copy with an error that names the file, and leaves whole files only', () =>
    withWorkplace(async (place) => {
      mkdirSync(place.path('low'));
      mkdirSync(place.path('disk'));
      for (const name of ['a', 'b', 'c'])
        writeFileSync(place.path(`low/${name}`), Buffer.alloc(700_000, name));
      await shell(place, 'tar -C low -cf low.tar . && mount -t tmpfs -o size=2m none disk');
      const { status, stderr } = await place.stratafs(['cp', 'low.tar:/.', 'disk']);
      expect({ status, stderr }).toEqual({
        status: 1,
        stderr: 'stratafs: disk/c: no space left on the device (ENOSPC)\n',
      });
      expect(await shell(place, 'cd disk && ls -A && cmp a ../low/a && cmp b ../low/b')).toBe('a\nb\n');
    }));

  it('a mount point below the destination is not entered', () =>
    withWorkplace(async (place) => {
      mkdirSync(place.path('low/x'), { recursive: true });
      mkdirSync(place.path('out/x'), { recursive: true });
      writeFileSync(place.path('low/x/file'), 'text');
      await shell(place, 'tar -C low -cf low.tar . && mount -t tmpfs none out/x');
      const { status, stderr } = await place.stratafs(['cp', 'low.tar:/.', 'out']);
      expect(status).toBe(1);
      expect(stderr).toBe(
        'stratafs: warning: out/x: another file system is mounted there; copy into it separately (EXDEV)\n',
      );
    }));
});

describeWith(
  ['root', 'fuse', { program: 'fusermount3' }, { program: 'setpriv' }, { program: 'python3' }],
  'an ordinary user',
  () => {
    it(`${IMAGES} random images are copied as by cp -a from a mount, and listed as by find`, () =>
      withWorkplace(async (place) => {
        const seeds = writeImages(place);
        const { status, stderr } = await asNobody(
          place,
          `for seed in ${seeds.join(' ')}; do
             mkdir ours$seed theirs$seed
             eval "$S mount oci:image$seed mnt" || exit 9
             find mnt -printf '/%P\\n' | sort > found
             eval "$S tree --paths oci:image$seed" | sort > listed
             cmp found listed >&2
             cp -a mnt/. theirs$seed 2> theirs.err; theirs=$?
             eval "$S cp -a oci:image$seed:/. ours$seed" 2> ours.err; ours=$?
             [ $theirs = $ours ] || { echo "seed $seed: status $theirs and $ours" >&2; cat theirs.err ours.err >&2; }
             eval "$S unmount mnt"
           done`,
        );
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        for (const seed of seeds) {
          const [ours, theirs] = ['ours', 'theirs'].map((name) =>
            snapshotDirectory(place.path(`${name}${seed}`)),
          );
          for (const each of [ours, theirs]) each?.delete(''); // cp takes the sticky bit from it
          expect(ours, `seed ${seed}`).toEqual(theirs);
        }
      }));

    it(`${IMAGES} random images are exported as by tar from a mount`, () =>
      withWorkplace(async (place) => {
        const seeds = writeImages(place);
        const { status, stderr } = await asNobody(
          place,
          `for seed in ${seeds.join(' ')}; do
             eval "$S mount oci:image$seed mnt" || exit 9
             tar --format=pax -C mnt -cf theirs$seed.tar . || exit 8
             eval "$S export oci:image$seed -o ours$seed.tar" || exit 7
             eval "$S unmount mnt"
           done`,
        );
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        for (const seed of seeds) {
          const [ours, theirs] = [await unpack(place, `ours${seed}`), await unpack(place, `theirs${seed}`)];
          expect(ours, `seed ${seed}`).toEqual(theirs);
        }
      }));
  },
);
