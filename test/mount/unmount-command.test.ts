// `stratafs unmount` of several mounts, `mount -v`, and what `ls` prints for scripts.
import { mkdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { asNobody } from './other-users.ts';
import { type Workplace, fixture, withWorkplace } from './stratafs.ts';

const image = fixture('expressweb.tar');

async function mountTwo(place: Workplace): Promise<string[]> {
  const places = ['a', 'b'].map((name) => place.path(name));
  for (const each of places) {
    mkdirSync(each, { recursive: true });
    const { stderr } = await place.stratafs(['mount', image, each]);
    expect(stderr).toBe('');
  }
  return places;
}

describeWith(['fuse', 'root'], 'several mounts', () => {
  it('are listed by --format and -q, and unmounted in one call, though one of them fails', () =>
    withWorkplace(async (place) => {
      const places = await mountTwo(place);
      const { stdout } = await place.stratafs(['ls', '--format', '{{.State}} {{.MountPoint}} {{.Layers}}']);
      expect(stdout.split('\n')).toEqual(expect.arrayContaining(places.map((each) => `mounted ${each} 4`)));
      expect((await place.stratafs(['ls', '-q'])).stdout.split('\n')).toEqual(expect.arrayContaining(places));
      expect(await place.stratafs(['unmount', 'a', 'mnt', 'none', 'b'])).toEqual({
        status: 1,
        stdout: '',
        stderr:
          `stratafs: ${place.mountpoint}: found that nothing is mounted there, expected a stratafs mount\n` +
          'stratafs: mount point none: there is no such directory (make it first)\n',
      });
      expect(place.mounted()).toEqual([]);
    }));

  it('mount -v says what was mounted, as mount(8) does', () =>
    withWorkplace(async (place) => {
      expect((await place.stratafs(['mount', '-v', image, 'mnt'])).stdout).toBe(
        `stratafs: ${image} mounted on mnt.\n`,
      );
      await place.unmount();
    }));

  it.each([
    [[], 'unmount: missing argument: MOUNTPOINT or --all'],
    [['--all', 'mnt'], 'unmount: found --all and a mount point, expected only one of them'],
    [['--lazy', '--force', 'mnt'], 'unmount: found --lazy and --force, expected only one of them'],
  ])('unmount %j is an error of usage', (args, message) =>
    withWorkplace(async (place) => {
      expect(await place.stratafs(['unmount', ...args])).toEqual({
        status: 2,
        stdout: '',
        stderr: `stratafs: ${message}\n`,
      });
    }),
  );
});

describeWith(['fuse', 'root', { program: 'fusermount3' }, { program: 'unshare' }], 'unmount --all', () => {
  it("unmounts a user's own mounts, and nobody else's", () =>
    withWorkplace(async (place) => {
      const other = place.path('other');
      mkdirSync(other);
      expect((await place.stratafs(['mount', image, other])).status).toBe(0);
      const outcome = await asNobody(
        place,
        `mkdir a own && eval "$S mount $I a" && eval "$S mount $I own" && eval "$S unmount --all"; echo $?
         grep -o "$PWD/[a-z]* .*user_id=[0-9]*" /proc/self/mountinfo | grep stratafs | sed "s|$PWD/\\([a-z]*\\) .*,|\\1 |"`,
      );
      expect(outcome).toEqual({ status: 0, stdout: '0\nother user_id=0\n', stderr: '' });
      expect((await place.stratafs(['unmount', other])).status).toBe(0);
    }));
});
