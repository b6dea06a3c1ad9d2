// EROFS images as erofs-utils check them, where their version reads blocks of 512 bytes: 1.6 and later.
import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { fixture, withWorkplace } from '../mount/stratafs.ts';

const OLDEST = [1, 6] as const;

/** Why they can't check an image; undefined if they can. */
function lack(): string | undefined {
  const { stdout, stderr, error } = spawnSync('fsck.erofs', ['--version'], { encoding: 'utf8' });
  if (error !== undefined) return 'needs the program fsck.erofs';
  const [, major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(`${stdout}${stderr}`) ?? []).map(Number);
  const isEnough = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
  return isEnough ? undefined : `fsck.erofs ${major}.${minor} reads no blocks of 512 bytes`;
}

const reason = lack();
describe.skipIf(reason !== undefined)(`erofs-utils (${reason ?? 'can check images'})`, () => {
  it.each(['expressweb.tar', 'edge-cases.tar'])('find no fault in an image of %s', (source) =>
    withWorkplace(async (place) => {
      const { status } = await place.stratafs(['convert', '-o', 'x.erofs', fixture(source)]);
      expect(status).toBe(0);
      const image = place.path('x.erofs');
      expect(execFileSync('fsck.erofs', [image], { encoding: 'utf8' })).not.toMatch(/<E>/);
      const shown = execFileSync('dump.erofs', ['-s', image], { encoding: 'utf8' });
      expect(shown).toMatch(/Filesystem blocksize:\s+512\b/);
    }),
  );
});
