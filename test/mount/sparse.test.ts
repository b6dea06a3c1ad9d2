// Sparse files in a mount beside GNU tar's extraction of them: the same holes, the same bytes around each border.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readOciArchive } from '../oracle/oci-layout.ts';
import { snapshotDirectory } from '../oracle/snapshot.ts';
import { describeWith } from '../requirements.ts';
import { fixture, run, withMounted, withWorkplace } from './stratafs.ts';

const script = fileURLToPath(new URL('sparse.py', import.meta.url));

/** Sparse files with borders at block ends, in GNU tar's form `options`. */
const makeSparse = `
  mkdir files && cd files
  truncate -s 1000000 all-hole
  truncate -s 3000001 several && for at in 0 7 8 30 31 32 600; do
    dd if=/dev/urandom of=several bs=4096 seek=$at count=1 conv=notrunc status=none
  done
  truncate -s 4000000 many && for at in $(seq 0 16 900); do
    dd if=/dev/urandom of=many bs=4096 seek=$at count=3 conv=notrunc status=none
  done
  head -c 100000 /dev/urandom >dense
  truncate -s 5368709120 past-4G && dd if=/dev/urandom of=past-4G bs=4096 seek=1310000 count=1 conv=notrunc status=none`;

const programs = ['python3', 'tar', 'gzip', 'zstd'].map((program) => ({ program }));

describeWith(['fuse', 'root', ...programs], 'a sparse file in a mount', () => {
  it('has the holes that GNU tar extracts: edge-cases', () =>
    withMounted(fixture('edge-cases.tar'), async (place) => {
      const layers = readOciArchive(fixture('edge-cases.tar'), place.path('layout'));
      execFileSync('mkdir', [place.path('extracted')]);
      // Base first, the three layers of sparse files are the 8th to the 10th.
      for (const layer of layers.slice(7, 10)) {
        execFileSync('tar', ['-x', '-S', '-f', '-', '-C', place.path('extracted')], { input: layer });
      }
      const extracted = snapshotDirectory(place.path('extracted'));
      const names = [...extracted].filter(([, { sha256 }]) => sha256 !== '').map(([path]) => path);
      expect(names).toHaveLength(21);
      const shown = snapshotDirectory(place.mountpoint);
      const holes = (snapshot: typeof shown): unknown =>
        names.map((name) => ({ name, size: snapshot.get(name)?.size, data: snapshot.get(name)?.data }));
      expect(holes(shown)).toEqual(holes(extracted));
      const outcome = await run('python3', [script, place.mountpoint, place.path('extracted'), ...names]);
      expect(outcome).toMatchObject({ status: 0, stderr: '' });
    }));

  it.each([
    ['--format=gnu', 'cat'],
    ['--format=pax --sparse-version=0.0', 'gzip -c'],
    ['--format=pax --sparse-version=0.1', 'zstd -qc'],
    ['--format=pax --sparse-version=1.0', 'gzip -c'],
  ])('reads as the packed file around every border: tar %s | %s', (format, compress) =>
    withWorkplace(async (place) => {
      execFileSync('sh', ['-ec', makeSparse], { cwd: place.directory, stdio: 'pipe' });
      const names = ['all-hole', 'several', 'many', 'dense'];
      const tar = execFileSync(
        'sh',
        ['-c', `tar -c --sparse ${format} ${names.join(' ')} past-4G | ${compress}`],
        {
          cwd: place.path('files'),
          maxBuffer: 1 << 28,
        },
      );
      writeFileSync(place.path('layer'), tar);
      await place.mount('layer');
      const outcome = await run('python3', [script, place.mountpoint, place.path('files'), ...names]);
      expect(outcome).toMatchObject({ status: 0, stderr: '' });
      const end = await run('sh', ['-c', 'tail -c 2560000 past-4G | sha256sum; stat -c "%s %b" past-4G'], {
        cwd: place.mountpoint,
      });
      const original = await run(
        'sh',
        ['-c', 'tail -c 2560000 past-4G | sha256sum; stat -c "%s %b" past-4G'],
        {
          cwd: place.path('files'),
        },
      );
      expect(end).toEqual(original);
      await place.unmount();
    }),
  );
});
