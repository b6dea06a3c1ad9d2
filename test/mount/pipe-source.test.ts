// A pipe as SOURCE: read once into the cache directory, in the background, too; nothing is left of one that fails.
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { expect, it } from 'vitest';
import { openImage } from '../../src/mount/open-image.ts';
import type { Progress } from '../../src/mount/watch.ts';
import { describeWith } from '../requirements.ts';
import { type Outcome, PROGRAM, type Workplace, fixture, run, withWorkplace } from './stratafs.ts';

const IMAGE = fixture('expressweb.tar');
const NOTICE = /^stratafs: \S+: is a pipe: reading it into \S+\/cache\/stratafs\/plain\n$/;

/** Runs a line of bash in which $S is the program and $A the image. */
function shell(place: Workplace, line: string, env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  return run('bash', ['-c', line], {
    cwd: place.directory,
    env: { ...place.environment, S: PROGRAM, A: IMAGE, ...env },
  });
}

describeWith(['fuse', 'root'], 'a pipe as a source', () => {
  it.each([
    'cat $A | $S mount - mnt',
    'cat $A | $S mount docker-archive:- mnt',
    'cat $A | $S mount /dev/stdin mnt',
    'gzip -c $A | $S mount - mnt',
    '$S mount <(cat $A) mnt',
    'mkfifo f; cat $A >f & $S mount f mnt',
  ])('%s: shows the image, which can be opened again', (line) =>
    withWorkplace(async (place) => {
      const { status, stderr } = await shell(place, line);
      expect(status, stderr).toBe(0);
      expect(stderr.split('\n', 1)[0]).toMatch(/is a pipe: reading it into/);
      const names = execFileSync('ls', [place.mountpoint], { encoding: 'utf8' });
      expect(names).toMatch(/^etc$/m);
      const expected = await place.stratafs(['layers', '-q', IMAGE]);
      expect(await place.stratafs(['layers', '-q', 'mnt'])).toEqual(expected);
      await place.unmount();
    }),
  );

  it('is read by the commands that look, and named by its reference', () =>
    withWorkplace(async (place) => {
      const expected = await place.stratafs(['layers', '-q', IMAGE]);
      const { status, stdout, stderr } = await shell(place, 'cat $A | $S layers -q docker-archive:-:@0');
      expect({ status, stdout }).toEqual({ status: 0, stdout: expected.stdout });
      expect(stderr).toMatch(NOTICE);
    }));

  it('reports how many bytes were read, and no total, which a pipe does not have', () =>
    withWorkplace(async (place) => {
      const fifo = place.path('f');
      execFileSync('mkfifo', [fifo]);
      const writer = run('sh', ['-c', 'exec cat "$0" >"$1"', IMAGE, fifo]);
      const reported: Progress[] = [];
      const options = { diskCache: false, onProgress: (progress: Progress) => void reported.push(progress) };
      await openImage(fifo, options);
      expect((await writer).status).toBe(0);
      const sizes = reported.map(({ done }) => done);
      expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
      expect(reported.at(-1)).toEqual({
        what: `reading ${fifo}`,
        done: statSync(IMAGE).size,
        total: undefined,
      });
    }));

  it('that is a file is not copied', () =>
    withWorkplace(async (place) => {
      expect(await shell(place, '$S mount - mnt <$A')).toEqual({ status: 0, stdout: '', stderr: '' });
      await place.unmount();
    }));

  it('without a cache directory is a temporary file', () =>
    withWorkplace(async (place) => {
      const env = { XDG_CACHE_HOME: '', HOME: '/nowhere' };
      const { status, stderr } = await shell(place, 'cat $A | $S layers -q -', env);
      expect(status, stderr).toBe(0);
      expect(stderr).toContain('reading it into a temporary file');
    }));

  it('that is empty, or no image, is refused, and leaves no draft', () =>
    withWorkplace(async (place) => {
      const empty = await shell(place, ': | $S mount - mnt');
      expect(empty.status).toBe(1);
      expect(empty.stderr).toMatch(/found no bytes in the pipe, expected an image\n$/);
      const text = await shell(place, 'seq 1000 | $S mount - mnt');
      expect(text.status).toBe(1);
      expect(text.stderr).toMatch(/is not a tar archive, expected a saved image or a layer\n$/);
      expect(place.drafts()).toEqual([]);
    }));

  it('that is interrupted leaves no draft, though its writer goes on', () =>
    withWorkplace(async (place) => {
      // SIGTERM: bash has what it starts in the background ignore SIGINT.
      const line = `mkfifo f g; exec 3<>f; head -c 50000 $A >&3 & $S mount f mnt 2>err & daemon=$!
        until grep -q 'is a pipe' err; do read -rt 0.05 -u 4; done 4<>g; kill -TERM $daemon; wait $daemon`;
      const { status } = await shell(place, line);
      expect(status, readFileSync(place.path('err'), 'utf8')).toBe(143);
      expect(place.drafts()).toEqual([]);
      expect(place.mounted()).toEqual([]);
    }));
});
