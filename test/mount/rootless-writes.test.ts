// Writes of an ordinary user, whose daemon has no more rights than it: a directory as the layer, and an upper with
// `user.` marks.
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { asNobody } from './other-users.ts';
import { type Outcome, withWorkplace } from './stratafs.ts';

/** Defines M, which mounts; the layer is made by the script before. */
const SETTING = `set -eu
  mkdir low up work
  M() { eval "$S mount -o lowerdir=low,upperdir=up,workdir=work mnt"; }
  U() { eval "$S unmount mnt"; }
`;

async function script(text: string): Promise<Outcome> {
  const outcomes: Outcome[] = [];
  await withWorkplace(async (place) => {
    outcomes.push(await asNobody(place, SETTING + text));
  });
  return outcomes[0] as Outcome;
}

describeWith(
  ['fuse', 'root', { program: 'fusermount3' }, { program: 'setpriv' }, { program: 'setfattr' }],
  'an ordinary user',
  () => {
    it('changes files and directories of its own that it may not write to', async () => {
      const outcome = await script(`
        mkdir -p low/ro/deep; echo old > low/ro/f; echo g > low/ro/deep/g; setfattr -n user.k -v v low/ro/f
        chmod 444 low/ro/f; chmod 555 low/ro low/ro/deep
        M; before=$(stat -c %i mnt/ro mnt/ro/f)
        chmod 600 mnt/ro/f; echo new > mnt/ro/f; chmod 444 mnt/ro/f
        touch -d 2001-01-01 mnt/ro/deep/g; chmod 400 mnt/ro/deep/g
        U; M
        test "$before" = "$(stat -c %i mnt/ro mnt/ro/f)"
        cat mnt/ro/f mnt/ro/deep/g; getfattr --only-values -n user.k mnt/ro/f; echo
        stat -c %a mnt/ro mnt/ro/deep mnt/ro/f mnt/ro/deep/g up/ro up/ro/deep; U`);
      expect(outcome.stderr).toBe('');
      expect(outcome.stdout).toBe('new\ng\nv\n555\n555\n444\n400\n555\n555\n');
      expect(outcome.status).toBe(0);
    });

    it('finds what is in a directory that it may not list, and what a file is that it may not read', async () => {
      const outcome = await script(`
        mkdir -p low/d; echo q > low/d/q; echo r > low/r
        M; before=$(stat -c %i mnt/d mnt/r); chmod 311 mnt/d; touch mnt/d/new; chmod 0 mnt/r; mv mnt/r mnt/moved; U
        M; test "$before" = "$(stat -c %i mnt/d mnt/moved)"; cat mnt/d/q; ls mnt/d 2>&1 | wc -l; stat -c %a mnt/d mnt/moved
        echo w > mnt/w; chmod 200 mnt/w; U; M; echo x >> mnt/w; chmod 600 mnt/w; cat mnt/w mnt/moved 2>&1 || :; U`);
      expect(outcome.stderr).toBe('');
      expect(outcome.stdout).toBe('q\n1\n311\n0\nw\nx\ncat: mnt/moved: Permission denied\n');
    });

    it('removes an empty lower directory that it may not write to', async () => {
      const outcome = await script(`
        mkdir -p low/d; touch low/d/f; M; rm mnt/d/f; chmod 555 mnt/d; rmdir mnt/d; ls mnt; U; M; ls mnt; U`);
      expect(outcome).toEqual({ status: 0, stdout: '', stderr: '' });
    });

    it('keeps hard links, renames directories, and keeps the numbers of symlinks', async () => {
      const outcome = await script(`
        mkdir low/d; echo a > low/d/a; ln low/d/a low/d/b; ln -s a low/d/s
        M; before=$(stat -c %i mnt/d/a mnt/d/s); touch -h -d 2002-01-01 mnt/d/s; echo z >> mnt/d/b; mv mnt/d mnt/e; U
        M; test "$before" = "$(stat -c %i mnt/e/a mnt/e/s)"; cat mnt/e/a; stat -c %h mnt/e/b; ls mnt; U
        stat -c '%F %t:%T' up/d`);
      expect(outcome).toEqual({
        status: 0,
        stdout: 'a\nz\n2\ne\ncharacter special file 0:0\n',
        stderr: '',
      });
    });
  },
);
