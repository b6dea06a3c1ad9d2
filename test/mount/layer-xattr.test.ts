// The xattr that names the layer of a file in a mounted image, read with getfattr(1).
import { appendFileSync, chmodSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { type Outcome, fixture, run, withMounted } from './stratafs.ts';

function ask(path: string): Promise<Outcome> {
  return run('getfattr', ['--absolute-names', '--only-values', '-n', 'user.stratafs.layer', path]);
}

describeWith(['fuse', { program: 'getfattr' }], 'user.stratafs.layer', () => {
  it('names the layer that a file or a directory came from, and is not listed', () =>
    withMounted(fixture('expressweb.tar'), async ({ mountpoint }) => {
      const layerOf = async (path: string): Promise<string> => (await ask(`${mountpoint}/${path}`)).stdout;
      const base = await layerOf('usr');
      const app = await layerOf('usr/src/app/package.json');
      expect(base).toMatch(/^layer \d+ of .*expressweb\.tar$/);
      expect(app).toMatch(/^layer \d+ of .*expressweb\.tar$/);
      expect(app).not.toBe(base);
      const listed = await run('getfattr', ['-d', '-m', '-', '--absolute-names', mountpoint]);
      expect(listed).toEqual({ status: 0, stdout: '', stderr: '' });
    }));

  it('names the upper directory for what was written, of a file its bytes, of a directory its attributes', () =>
    withMounted(
      fixture('expressweb.tar'),
      async ({ mountpoint }) => {
        const layerOf = async (path: string): Promise<string> => (await ask(`${mountpoint}/${path}`)).stdout;
        const app = await layerOf('usr/src/app/server.js');
        const bytesChanged = `${mountpoint}/usr/src/app/package.json`;
        appendFileSync(bytesChanged, ' ');
        chmodSync(`${mountpoint}/usr/src/app/server.js`, 0o600);
        chmodSync(`${mountpoint}/etc`, 0o700);
        writeFileSync(`${mountpoint}/new`, '');
        for (const path of ['usr/src/app/package.json', 'etc', 'new']) {
          expect(await layerOf(path)).toMatch(/^upper directory \/.*\/upper$/);
        }
        expect(await layerOf('usr/src/app/server.js')).toBe(app);
        expect(await layerOf('usr/src/app/README.md')).toBe(app);
      },
      '--tmp',
    ));

  it.each([[[]], [['--tmp']]])('is not there with -o noprovenance, mounted with %j', (options) =>
    withMounted(
      fixture('expressweb.tar'),
      async (place) => {
        for (const path of [place.mountpoint, `${place.mountpoint}/usr/src/app/package.json`]) {
          const { status, stderr } = await ask(path);
          expect(status).toBe(1);
          expect(stderr).toMatch(/user\.stratafs\.layer: No such attribute\n$/);
        }
        // The mount itself is still listed.
        expect(await place.listed()).toMatchObject({ state: 'mounted' });
      },
      '-o',
      'noprovenance',
      ...options,
    ),
  );
});
