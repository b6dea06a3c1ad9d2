// What people write into fstab and type to mount(8), end to end: its helpers are found and called by mount(8) itself.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { OWN_NAMESPACE } from './own-namespace.ts';
import { fixture, run, withWorkplace } from './stratafs.ts';

const script = fileURLToPath(new URL('fstab.sh', import.meta.url));
const helpers = {
  stratafs: 'main',
  'mount.stratafs': 'mount-helper-main',
  'umount.fuse.stratafs': 'unmount-helper-main',
};

/** Puts the commands into `directory` as npm would. */
function install(directory: string): void {
  mkdirSync(directory);
  for (const [name, part] of Object.entries(helpers)) {
    const path = join(directory, name);
    const command = fileURLToPath(new URL(`../../dist/cli/${part}.cjs`, import.meta.url));
    writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${command}' "$@"\n`);
    chmodSync(path, 0o755);
  }
}

describeWith(
  ['root', 'fuse', ...['findmnt', 'mount.fuse3', 'unshare'].map((program) => ({ program }))],
  'mount(8)',
  () => {
    it('mounts by directory, by type and all of fstab, once', () =>
      withWorkplace(async (place) => {
        install(place.path('bin'));
        const env = { ...place.environment, BIN: place.path('bin'), IMAGE: fixture('expressweb.tar') };
        const outcome = await run('unshare', [...OWN_NAMESPACE, 'bash', script], {
          cwd: place.directory,
          env,
        });
        expect(outcome).toEqual({
          status: 0,
          stderr: '',
          stdout: `# mount DIR
image IMAGE fuse.stratafs
stack pair fuse.stratafs
image/usr/src/app/package.json

stack:
a
b
c
# mount -a, twice
auto IMAGE fuse.stratafs
# mount -t
typed IMAGE fuse.stratafs
typed IMAGE fuse.stratafs
c
typed
none.tar: no such file or directory
`,
        });
      }));
  },
);
