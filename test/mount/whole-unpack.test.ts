// Layers and archives in xz and bzip2, which docker load accepts: unpacked once, with a notice, and then used like any other.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { type SampleLayer, sampleLayer, skopeoMembers } from '../image/sample-images.ts';
import { tarOf } from '../image/scratch.ts';
import { describeWith } from '../requirements.ts';
import { call } from './commits.ts';
import { OWN_NAMESPACE } from './own-namespace.ts';
import { type Workplace, run, withWorkplace } from './stratafs.ts';

const programs = ['xz', 'bzip2'] as const;
type Program = (typeof programs)[number];

const compress = (program: Program, bytes: Buffer): Buffer => execFileSync(program, ['-c'], { input: bytes });

/** A docker archive, `app.tar`, whose layers are compressed. */
async function writeImage(place: Workplace, program: Program): Promise<void> {
  const layers: SampleLayer[] = await Promise.all(['base', 'top'].map((text) => sampleLayer(text)));
  const members = skopeoMembers(layers, ['app:1']).map(
    ([name, member]) =>
      [name, /^[0-9a-f]{64}\.tar$/.test(name) ? compress(program, member as Buffer) : member] as const,
  );
  writeFileSync(place.path('app.tar'), await tarOf(members));
}

const describePrograms = describeWith.bind(undefined, [
  'fuse',
  'root',
  ...['xz', 'bzip2', 'skopeo'].map((program) => ({ program })),
]);

describePrograms('layers that are not read in place', () => {
  it.each(programs)('%s: are unpacked once, and the line says where to', (program) =>
    withWorkplace(async (place) => {
      await writeImage(place, program);
      const first = await place.stratafs(['mount', 'app.tar', 'mnt']);
      const lines = [1, 2].map(
        (layer) =>
          `stratafs: layer ${layer} of app.tar: 1 MiB of ${program} can't be read in place: ` +
          `kept uncompressed in ${place.path('cache/stratafs/plain')}`,
      );
      expect(first.stderr.trim().split('\n').sort()).toEqual(lines);
      expect(readFileSync(place.path('mnt/file'), 'utf8')).toBe('top');
      await place.unmount();
      await call(place, 'mount', 'app.tar', 'mnt');
      expect(readFileSync(place.path('mnt/file'), 'utf8')).toBe('top');
      await place.unmount();
    }),
  );

  it.each(programs)('%s: of an archive that is compressed as a whole', (program) =>
    withWorkplace(async (place) => {
      await writeImage(place, program);
      await run(program, ['app.tar'], { cwd: place.directory });
      const source = place.path(program === 'xz' ? 'app.tar.xz' : 'app.tar.bz2');
      await place.mount(source);
      expect(readFileSync(place.path('mnt/file'), 'utf8')).toBe('top');
      await place.unmount();
    }),
  );

  it.each(programs)('%s: are plain in a new image, which skopeo takes', (program) =>
    withWorkplace(async (place) => {
      await writeImage(place, program);
      await place.stratafs(['index', 'app.tar']);
      await call(place, 'squash', '--from', '2', 'app.tar', '-o', 'oci:layout:1');
      const layers = JSON.parse(await call(place, 'layers', '--json', 'oci:layout')) as object[];
      expect(layers).toMatchObject([{ compression: 'none' }, { compression: 'none' }]);
      const copy = await run('skopeo', ['--insecure-policy', 'copy', '-q', 'oci:layout:1', 'dir:copy'], {
        cwd: place.directory,
      });
      expect(copy).toEqual({ status: 0, stdout: '', stderr: '' });
    }),
  );
});

describeWith(
  ['root', { program: 'ldconfig' }, { program: 'findmnt' }, ...programs.map((program) => ({ program }))],
  'without its library',
  () => {
    it.each([
      ['xz', 'liblzma.so.5', 'liblzma5'],
      ['bzip2', 'libbz2.so.1', 'libbz2-1.0'],
    ] as const)('%s is refused in one line, which names the package', (program, library, packageName) =>
      withWorkplace(async (place) => {
        await writeImage(place, program);
        const hide = `ldconfig -p | sed -n 's/^\\t${library}.* => //p' | while read -r file; do
          mount --bind /dev/null "$(readlink -f "$file")" || :; done; exec "$@"`;
        const command = [process.execPath, 'dist/cli/main.cjs', 'layers', place.path('app.tar')];
        const { status, stderr } = await run(
          'unshare',
          [...OWN_NAMESPACE, 'sh', '-c', hide, 'sh', ...command],
          { env: place.environment },
        );
        expect(status).toBe(1);
        expect(stderr).toMatch(
          new RegExp(
            `^stratafs: layer . of .*app.tar: .*found no ${library}.*\\(package ${packageName} on Debian.*\\n$`,
          ),
        );
      }),
    );
  },
);
