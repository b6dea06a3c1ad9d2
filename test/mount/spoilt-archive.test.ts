// An archive that is damaged while it is mounted: reads of lost bytes are EIO, all other files stay readable, and the daemon
// keeps running.
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { type ListedMount, type Workplace, run, withWorkplace } from './stratafs.ts';

/** Large enough for a span of its own. */
const first = randomBytes(1 << 20);
/** Reaches over the middle of the blob. */
const last = randomBytes(6 << 20);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const forms = [
  ['plain', 'cat'],
  ['gzip', 'gzip -1'],
  ['zstd', 'zstd -q -1'],
] as const;

/** Creates `archive`, a bare layer of the two files, each in its own gzip member or zstd frame. */
async function makeArchive(place: Workplace, compress: string): Promise<string> {
  writeFileSync(place.path('first'), first);
  writeFileSync(place.path('last'), last);
  // Without the zero blocks that would end the tar after the first file.
  const script = `tar -cf - first | head -c ${512 + first.length} | ${compress}; tar -cf - last | ${compress}`;
  const outcome = await run('sh', ['-c', `(${script}) >archive`], { cwd: place.directory });
  expect(outcome).toEqual({ status: 0, stdout: '', stderr: '' });
  return place.path('archive');
}

/** Runs `body` with such an archive mounted, whose daemon must outlive it; `after`: what `ls` then shows beside the rest. */
function withArchive(
  compress: string,
  body: (place: Workplace, archive: string) => void | Promise<void>,
  after: Record<string, unknown> = {},
): Promise<void> {
  return withWorkplace(async (place) => {
    const archive = await makeArchive(place, compress);
    await place.mount(archive);
    const before = await place.listed();
    await body(place, archive);
    expect(await place.listed()).toEqual({ ...before, ...after });
    await place.unmount();
  });
}

function expectWhole(place: Workplace, name: string, bytes: Buffer): void {
  expect(sha256(readFileSync(place.path(`mnt/${name}`))), name).toBe(sha256(bytes));
}

function expectFailure(place: Workplace, name: string): void {
  expect(() => readFileSync(place.path(`mnt/${name}`))).toThrow(/^EIO: /);
}

const changed = { isSourceChanged: true };

describeWith(['fuse', { program: 'zstd' }], 'a mounted archive', () => {
  it.each(forms.slice(1))(
    '(%s) that is truncated is EIO where it ended, until the bytes are back',
    (_, compress) =>
      withArchive(
        compress,
        (place, archive) => {
          const bytes = readFileSync(archive);
          truncateSync(archive, bytes.length >> 1);
          expectFailure(place, 'last');
          expectWhole(place, 'first', first);
          expect(statSync(place.path('mnt/last')).size).toBe(last.length);
          truncateSync(archive, 0);
          expectFailure(place, 'last');
          writeFileSync(archive, bytes, { flag: 'r+' });
          expectWhole(place, 'last', last);
        },
        changed,
      ),
  );

  // The bytes of a plain tar can't be verified when they are read, so none is returned once the file has changed.
  it('(plain) that is truncated is EIO from then on', () =>
    withArchive(
      'cat',
      (place, archive) => {
        const bytes = readFileSync(archive);
        truncateSync(archive, bytes.length >> 1);
        for (const name of ['first', 'last']) expectFailure(place, name);
        expect(statSync(place.path('mnt/last')).size).toBe(last.length);
        writeFileSync(archive, bytes, { flag: 'r+' });
        for (const name of ['first', 'last']) expectFailure(place, name);
      },
      changed,
    ));

  it.each(forms)('(%s) that is overwritten is EIO, and never shows other bytes', (_, compress) =>
    withArchive(
      compress,
      (place, archive) => {
        writeFileSync(archive, randomBytes(statSync(archive).size));
        expectFailure(place, 'last');
        expectFailure(place, 'first');
      },
      changed,
    ),
  );

  it.each(forms)('(%s) that is replaced by another, or removed, is shown as it was', (_, compress) =>
    withArchive(compress, (place, archive) => {
      writeFileSync(place.path('other'), 'no archive');
      renameSync(place.path('other'), archive);
      expectWhole(place, 'last', last);
      rmSync(archive);
      expectWhole(place, 'first', first);
    }),
  );

  it.each(forms)('(%s) that can no longer be read is EIO', (_, compress) =>
    withWorkplace(async (place) => {
      // The archive lies on a mount whose daemon dies: what can't be read is ENOTCONN there.
      await makeArchive(place, compress);
      for (const name of ['shelf', 'below']) mkdirSync(place.path(name));
      renameSync(place.path('archive'), place.path('below/archive'));
      const shelf = place.path('shelf');
      await place.stratafs(['mount', '-o', 'lowerdir=below,restart=off', 'shelf']);
      await place.mount(`${shelf}/archive`, '--cache-size=1M');
      expectWhole(place, 'first', first);
      // The kernel forgets what it has of the archive (POSIX_FADV_DONTNEED).
      const forget = [`if=${shelf}/archive`, 'iflag=nocache', 'count=0', 'status=none'];
      expect(await run('dd', forget)).toEqual({ status: 0, stdout: '', stderr: '' });
      const mounts = JSON.parse((await place.stratafs(['ls', '--json'])).stdout) as ListedMount[];
      process.kill(mounts.find(({ mountPoint }) => mountPoint === shelf)?.pid ?? expect.fail(), 'SIGKILL');
      await place.stratafs(['unmount', '--lazy', 'shelf']);
      expectFailure(place, 'last');
      expect(await place.listed()).toMatchObject({ state: 'mounted' });
      await place.unmount();
    }),
  );
});
