// The attributes that the kernel keeps are those that the file system has, after each change; and GNU tar, which compares
// them, finds no file changed while it reads.
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { COMMAND, run, withWorkplace } from './stratafs.ts';

const WALK = fileURLToPath(new URL('attributes.py', import.meta.url));

/** Each is a change whose copy-up, mark or failure moves attributes of more inodes than it names. */
const CHANGES = [
  'echo more >>a/b/c/g',
  'chmod 600 e/s/x',
  'echo more >>h1/f1',
  'ln a/b/c/two e/two',
  'mv e/s e/t',
  'rmdir e',
  'rm e/y',
  'setfattr -n user.big -v "$(head -c 3000 /dev/zero | tr "\\0" x)" big',
  'mkdir -p e/t/n/m',
  'mv a e/a',
  'exec 3<>big',
  'chown 1 h2/y',
  'rm -r h1',
  'touch h2/q; mv -T e/t h2',
  'setfattr -x user.big big',
  'truncate -s 5 big',
  'ln -s q w; ls -lR; cat w e/a/b/c/g',
  'rm -rf e h2',
  'mkdir e; touch e/x; rm e/x; rmdir e',
];

const LAYER = `
  mkdir -p layer/a/b/c layer/e/s layer/h1 layer/h2 U W
  for f in f a/b/c/g a/b/c/two e/s/x e/y; do echo $f >layer/$f; done
  ln -s f layer/sym; head -c 100000 /dev/zero >layer/big; ln layer/e/y layer/h2/y
  for i in 1 2 3; do ln layer/f layer/h1/f$i; done
  find layer -exec touch -hd 2020-01-01 {} +
`;

async function script(text: string, ...args: string[]): Promise<string> {
  const printed: string[] = [];
  await withWorkplace(async (place) => {
    const env = { ...place.environment, LC_ALL: 'C', NODE: process.execPath, COMMAND, WALK };
    const setting = `set -eu; S() { "$NODE" "$COMMAND" "$@"; }\n${LAYER}`;
    const { status, stdout, stderr } = await run('sh', ['-c', setting + text, 'sh', ...args], {
      cwd: place.directory,
      env,
    });
    printed.push(`${stdout}${stderr}${status === 0 ? '' : `exit ${status}`}`);
  });
  return printed.join('');
}

describeWith(['root', 'fuse', { program: 'python3' }, { program: 'setfattr' }], 'a writable mount', () => {
  it.each(['metacopy=on', 'metacopy=off', 'userxattr', 'fastpath=off'])(
    'has the kernel keep no attribute that has changed, with %s',
    async (option) => {
      const text = `S mount -o lowerdir=layer,upperdir=U,workdir=W,${option} mnt; python3 "$WALK" mnt "$@"; S unmount mnt`;
      expect(await script(text, ...CHANGES)).toBe('');
    },
  );
});

describeWith(['root', 'fuse', { program: 'tar' }, { filesystem: 'overlay' }], 'GNU tar', () => {
  it('finds no file changed after a file of a layer was changed, as on kernel overlayfs', async () => {
    const text = `
      mkdir k ku kw; mount -t overlay none k -o lowerdir=layer,upperdir=ku,workdir=kw
      S mount -o lowerdir=layer,upperdir=U,workdir=W mnt
      for d in k mnt; do
        for change in 'echo x >>a/b/c/g' 'chmod 600 e/s/x' 'echo y >>f' 'mv e/s e/t' 'rm h2/y'; do
          (cd $d; sh -c "$change"); tar -C $d -cf archive.tar . 2>>errors || echo "$d $change: $?"
        done
      done
      umount k; S unmount mnt; cat errors`;
    expect(await script(text)).toBe('');
  });
});
