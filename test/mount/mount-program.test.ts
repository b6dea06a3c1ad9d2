// stratafs-overlay as the mount_program of buildah and podman: what is built with it is what they build with
// kernel overlayfs.
import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { OWN_NAMESPACE } from './own-namespace.ts';
import { type Workplace, fixture, run, withWorkplace } from './stratafs.ts';

const script = fileURLToPath(new URL('mount-program.sh', import.meta.url));
const overlayMain = fileURLToPath(new URL('../../dist/cli/overlay-main.cjs', import.meta.url));

/** The new layer's entries and the image's names, listed by buildah and podman with `program` (empty: kernel overlayfs). */
async function build(place: Workplace, name: string, program: readonly string[]): Promise<string> {
  mkdirSync(place.path(name));
  const { stdout, stderr, status } = await run('unshare', [...OWN_NAMESPACE, 'bash', script, ...program], {
    env: { ...place.environment, PLACE: place.path(name), IMAGE: fixture('expressweb.tar') },
  });
  expect(`${status} ${stderr}`).toMatch(/^0 /);
  // Sizes of directories are their file system's own; times are those of the build.
  return stdout.replaceAll(/^(d\S+ \S+) \d+/gm, '$1');
}

describeWith(
  ['fuse', 'root', ...['buildah', 'podman', 'unshare'].map((program) => ({ program }))],
  'stratafs-overlay as mount_program',
  () => {
    it('builds the layer that kernel overlayfs builds', () =>
      withWorkplace(async (place) => {
        const ours = await build(place, 'ours', [process.execPath, overlayMain]);
        const theirs = await build(place, 'theirs', []);
        expect(readFileSync(place.path('ours/type'), 'utf8')).toBe('fuse.stratafs\n');
        expect(ours).toMatch(/usr\/src\/app\/\.wh\.node_modules/);
        // A directory that was removed and created again: with a mount_program the layer has a whiteout for each removed name.
        const ownWay = /^\S+ 0\/0 0 {3}usr\/src\/app\/public\/\.wh\.(index\.html|style\.css)\n/gm;
        const theirWay = /^\S+ 0\/0 0 {3}usr\/src\/app\/public\/\.wh\.\.wh\.\.opq\n/m;
        expect(ours.match(ownWay)).toHaveLength(2);
        expect(theirs).toMatch(theirWay);
        expect(ours.replace(ownWay, '')).toBe(theirs.replace(theirWay, ''));
      }));
  },
);
