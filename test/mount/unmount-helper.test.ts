// umount(8) with our helper. It looks for the helper in /sbin, so the test installs it there in its own mount namespace.
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { OWN_NAMESPACE } from './own-namespace.ts';
import { COMMAND, type Outcome, type Workplace, run, withWorkplace } from './stratafs.ts';

const HELPER = fileURLToPath(new URL('../../dist/cli/unmount-helper-main.cjs', import.meta.url));

/** $1 is the command, $2 the helper, $3 what to do; `mnt` is to show `below/a`, and `below` is a tmpfs. */
const script = `
  set -eu
  mkdir below helpers
  mount -t tmpfs helpers helpers
  mkdir helpers/u helpers/w
  printf '#!/bin/sh\\nexec node %s "$@"\\n' "$2" > helpers/u/umount.fuse.stratafs
  chmod +x helpers/u/umount.fuse.stratafs
  cp helpers/u/umount.fuse.stratafs helpers/u/umount.fuse
  mount -t overlay -o lowerdir=/usr/sbin,upperdir=helpers/u,workdir=helpers/w helpers /usr/sbin
  mount -t tmpfs below below
  mkdir below/a
  echo text > below/a/file
  command=$1
  show() { node "$command" mount -o "lowerdir=$PWD/below/a" "$PWD/mnt"; }
  eval "$3"
`;

const inNamespace = (place: Workplace, words: string): Promise<Outcome> =>
  run('unshare', [...OWN_NAMESPACE, 'sh', '-c', script, 'sh', COMMAND, HELPER, words], {
    cwd: place.directory,
    env: { ...place.environment, LC_ALL: 'C' },
  });

describeWith(['root', 'fuse', { program: 'unshare' }, { program: 'fuse-overlayfs' }], 'umount(8)', () => {
  it('returns when the daemon has closed all files of the layers', () =>
    withWorkplace(async (place) => {
      const words =
        'for round in 1 2 3 4 5; do show; cat mnt/file; umount "$PWD/mnt"; umount below; mount -t tmpfs below below; mkdir below/a; echo text > below/a/file; done';
      expect(await inNamespace(place, words)).toEqual({ status: 0, stdout: 'text\n'.repeat(5), stderr: '' });
    }));

  it('reports the processes that keep a mount busy, and detaches it with -l', () =>
    withWorkplace(async (place) => {
      const words = 'show; exec 9< mnt/file; umount mnt || echo "$?"; umount -lv mnt; cat <&9';
      const { status, stdout, stderr } = await inNamespace(place, words);
      expect(stdout).toBe(`32\numount.fuse.stratafs: ${place.mountpoint} unmounted.\ntext\n`);
      expect(stderr).toMatch(/^stratafs: .*\/mnt is busy: sh \(pid \d+\) has \S+\/mnt\/file open/);
      expect(status).toBe(0);
    }));

  it('with -f ends the requests that wait for a stuck daemon', () =>
    withWorkplace(async (place) => {
      const words = `
        show
        pid=$(node "$command" ls --json | node -pe 'JSON.parse(fs.readFileSync(0)).at(-1).pid')
        kill -STOP "$pid"
        ls mnt/none 2> message & reader=$!
        until umount -f mnt 2> busy; do grep -q busy busy; done
        wait "$reader" || sed 's/.*: //' message
        kill -CONT "$pid"`;
      expect(await inNamespace(place, words)).toEqual({
        status: 0,
        stdout: 'Software caused connection abort\n',
        stderr: '',
      });
    }));

  it("by an absolute path ends another program's FUSE mount too", () =>
    withWorkplace(async (place) => {
      const words =
        'fuse-overlayfs -o "lowerdir=below/a" mnt 2> /dev/null; cat mnt/file; umount -v "$PWD/mnt"; ls mnt';
      expect(await inNamespace(place, words)).toEqual({
        status: 0,
        stdout: `text\numount.fuse.stratafs: ${place.mountpoint} unmounted.\n`,
        stderr: '',
      });
    }));
});
