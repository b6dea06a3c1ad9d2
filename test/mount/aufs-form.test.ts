// Uppers in fuse-overlayfs's own form, which it writes where no device can be made.
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { OWN_NAMESPACE } from './own-namespace.ts';
import { COMMAND, run, withWorkplace } from './stratafs.ts';

const script = fileURLToPath(new URL('aufs-form.sh', import.meta.url));
const overlayMain = fileURLToPath(new URL('../../dist/cli/overlay-main.cjs', import.meta.url));

const programs = ['fuse-overlayfs', 'unshare', 'getfattr', 'cc'].map((program) => ({ program }));

describeWith(['root', 'fuse', ...programs], "an upper in fuse-overlayfs's own form", () => {
  it("shows the same, and what is changed in it is the kernel's form", () =>
    withWorkplace(async (place) => {
      const env = {
        ...place.environment,
        OURS: `'${process.execPath}' '${overlayMain}'`,
        S: `'${process.execPath}' '${COMMAND}'`,
      };
      const written = 'b 7;d;d/new 4;e;e/w 2;keep 5;';
      const changed = 'a;a/in 3;e;e/keep 5;e/w 2;e/z 4;';
      expect(await run('unshare', [...OWN_NAMESPACE, 'bash', script], { cwd: place.directory, env })).toEqual(
        {
          status: 0,
          stderr: '',
          stdout: `upper: ./.wh.a ./d/.wh..wh..opq ./e/.wh.z y
fuse-overlayfs: ${written}
stratafs-overlay: ${written}
stratafs-mount: ${written}
changed: ${changed}
stratafs-overlay: ${changed}
kernel: ${changed}
fuse-overlayfs: ${changed}
upper: ${''}
`,
        },
      );
    }));
});
