// Where a file of a mounted image came from, asked as a user would ask it.
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { fixture, run, withMounted } from './stratafs.ts';

describeWith(['fuse', { program: 'getfattr' }], 'user.stratafs.layer', () => {
  it('names the layer that a file or a directory came from, and is not listed', () =>
    withMounted(fixture('expressweb.tar'), async ({ mountpoint }) => {
      const layerOf = async (path: string): Promise<string> => {
        const args = [
          '--absolute-names',
          '--only-values',
          '-n',
          'user.stratafs.layer',
          `${mountpoint}/${path}`,
        ];
        return (await run('getfattr', args)).stdout;
      };
      const base = await layerOf('usr');
      const app = await layerOf('usr/src/app/package.json');
      expect(base).toMatch(/^layer \d+ of .*expressweb\.tar$/);
      expect(app).toMatch(/^layer \d+ of .*expressweb\.tar$/);
      expect(app).not.toBe(base);
      const listed = await run('getfattr', ['-d', '-m', '-', '--absolute-names', mountpoint]);
      expect(listed).toEqual({ status: 0, stdout: '', stderr: '' });
    }));
});
