// Owners that the daemon's user namespace does not map: the errors for storing them, which squash_to_* avoids.
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { OWN_NAMESPACE } from './own-namespace.ts';
import { COMMAND, type Outcome, run, withWorkplace } from './stratafs.ts';

async function script(text: string): Promise<Outcome> {
  const outcomes: Outcome[] = [];
  await withWorkplace(async (place) => {
    const env = { ...place.environment, LC_ALL: 'C', NODE: process.execPath, COMMAND };
    outcomes.push(await run('unshare', [...OWN_NAMESPACE, 'sh', '-c', text], { cwd: place.directory, env }));
  });
  return outcomes[0] as Outcome;
}

describeWith(['root', 'fuse', { program: 'unshare' }], 'root of a user namespace', () => {
  /** Runs `body` as root of a namespace that has no other IDs, over files of others. */
  const inNamespace = (body: string): Promise<Outcome> =>
    script(`set -eu; mkdir layer U W nest
      mkdir -p layer/others/own; echo f >layer/others/f; chmod 777 layer/others; chmod 666 layer/others/f
      chown 1000:1000 layer/others layer/others/f
      cat >body.sh <<'END'
set -eu
S() { "$NODE" "$COMMAND" "$@"; }
${body}
END
      unshare -Urm sh body.sh`);

  it('gets EOVERFLOW if a directory of an unmapped owner must be copied up, as on kernel overlayfs', async () => {
    const outcome = await inNamespace(`
mkdir U2 W2; mount -t overlay none nest -o lowerdir=layer,upperdir=U2,workdir=W2,userxattr
S mount -o lowerdir=layer,upperdir=U,workdir=W mnt
for d in nest mnt; do ! mkdir $d/others/own/new 2>&1; echo g >$d/own; ls $d $d/others/own; done | sed 's/nest/mnt/'
S unmount mnt; umount nest; ls U`);
    const message =
      "mkdir: cannot create directory 'mnt/others/own/new': Value too large for defined data type\n";
    const names = 'mnt:\nothers\nown\n\nmnt/others/own:\n';
    expect(outcome).toEqual({
      status: 0,
      stderr: '',
      stdout: `${message}${names}${message}${names}own\n`,
    });
  });

  for (const option of ['squash_to_root', 'squash_to_uid=0,squash_to_gid=0']) {
    it(`is forgiven the owner with ${option}`, async () => {
      const outcome = await inNamespace(`
S mount -o lowerdir=layer,upperdir=U,workdir=W,${option} mnt
mkdir mnt/others/own/new; echo x >>mnt/others/f; chown 0:0 mnt/others/f; chmod 640 mnt/others/f
cat mnt/others/f; stat -c '%n %u:%g %a' mnt/others mnt/others/f U/others/f; S unmount mnt`);
      const stdout = 'f\nx\nmnt/others 0:0 777\nmnt/others/f 0:0 640\nU/others/f 0:0 640\n';
      expect(outcome).toEqual({ status: 0, stderr: '', stdout });
    });
  }
});
