// Root of a user namespace with ranges of IDs, as newuidmap(1) gives an ordinary user by /etc/subuid.
import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { asNobody } from './other-users.ts';
import { withWorkplace } from './stratafs.ts';

/** The ID ranges of nobody in its namespace: 0 is nobody itself, 1 and up are 200000 and up. */
const SUBORDINATE = '65534:200000:65536';

/** Runs in a namespace with these IDs, and changes a mount by the program $1 with the options $2. */
const body = `
  set -eu
  mkdir -p layer/d U W && echo f >layer/d/f && chown 5:6 layer/d/f && chown 7:8 layer/d
  eval "$1" -o "lowerdir=layer,upperdir=U,workdir=W$2" mnt
  chown 33:1000 mnt/d && echo x >>mnt/d/f && chown 34:65535 mnt/d/f && echo new >mnt/d/new && mkdir mnt/own
  (cd mnt && stat -c '%n %u:%g' d d/f d/new own); umount mnt`;

describeWith(
  ['root', 'fuse', ...['newuidmap', 'unshare', 'setpriv', 'fuse-overlayfs'].map((program) => ({ program }))],
  'an ordinary user with ranges of IDs',
  () => {
    /** Runs `body` as nobody with stratafs and with fuse-overlayfs. Returns the owners in each mount, and those on the disk. */
    const both = async (options: string): Promise<{ shown: string; stored: string }[]> => {
      const results: { shown: string; stored: string }[] = [];
      for (const program of ['$S mount', 'fuse-overlayfs 2>/dev/null']) {
        await withWorkplace(async (place) => {
          writeFileSync(place.path('body.sh'), body);
          const outcome = await asNobody(
            place,
            `unshare --map-root-user --map-auto -m sh body.sh "${program}" '${options}' &&
             echo -- && cd U && stat -c "%n %u:%g" d d/f d/new own`,
            `echo ${SUBORDINATE} >subids && mount --bind subids /etc/subuid && mount --bind subids /etc/subgid`,
          );
          expect(outcome).toMatchObject({ status: 0, stderr: '' });
          const [shown = '', stored = ''] = outcome.stdout.split('--\n');
          results.push({ shown, stored });
        });
      }
      return results;
    };

    it('gives files to any of them, as fuse-overlayfs does', async () => {
      const [ours, theirs] = await both('');
      expect(ours).toEqual(theirs);
      expect(ours).toEqual({
        shown: 'd 33:1000\nd/f 34:65535\nd/new 0:0\nown 0:0\n',
        stored: 'd 200032:200999\nd/f 200033:265534\nd/new 65534:65534\nown 65534:65534\n',
      });
    });

    it('has them mapped by several ranges, as fuse-overlayfs does', async () => {
      // IDs 0 to 99 and 100 to 199 are exchanged; all others stay as they are.
      const ranges = '0:100:100:100:0:100:200:200:65336';
      const [ours, theirs] = await both(`,uidmapping=${ranges},gidmapping=${ranges}`);
      expect(ours).toEqual(theirs);
      expect(ours?.shown).toBe('d 33:1000\nd/f 34:65535\nd/new 0:0\nown 0:0\n');
      expect(ours?.stored).toBe(
        'd 200132:200999\nd/f 200133:265534\nd/new 200099:200099\nown 200099:200099\n',
      );
    });
  },
);
