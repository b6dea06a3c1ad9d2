import { describe, expect, it } from 'vitest';
import type { InspectedImage } from '../../src/inspect/inspected-image.ts';
import { type PathHistory, tracePaths } from '../../src/inspect/path-history.ts';
import { carrier, directory, file, layer, link, opaque, symlink, whiteout } from '../tree/layer-maker.ts';
import { inspectFixture } from './open.ts';
import { inspectedOf } from './inspected.ts';

const tell = ({ versions }: PathHistory): unknown[] =>
  versions.map(({ layer: number, change, cause, with: above }) =>
    [number, change, ...(cause === 'entry' ? [] : [cause]), ...(above === undefined ? [] : [above])].join(
      ' ',
    ),
  );
const trace = async (inspected: InspectedImage, path: string): Promise<PathHistory> => {
  const [history] = await tracePaths(inspected, [path]);
  if (history === undefined) throw new Error('no history');
  return history;
};

describe('the history of a path', () => {
  const image = inspectedOf([
    layer({
      app: directory({ kept: file({ size: 1 }), gone: file(), later: file(), d: directory({ x: file() }) }),
      lib: symlink('app/d'),
      abs: symlink('/app'),
      loop: symlink('loop'),
      file: file({ mode: 0o100600 }),
    }),
    layer({ app: directory({ kept: file({ size: 2, mtime: 5 }), gone: whiteout }) }),
    layer({ app: opaque({ later: file() }, { mode: 0o40700 }), file: directory({ in: file() }) }),
    layer({ app: carrier({ later: whiteout }), file: directory({}), same: link('lib') }),
  ]);

  it.each([
    ['/app/kept', ['3 deleted opaque app', '2 replaced', '1 added']],
    ['app/gone', ['2 deleted whiteout', '1 added']],
    ['/app/later', ['4 deleted whiteout', '3 replaced', '1 added']],
    ['/app/d/x', ['3 deleted opaque app', '1 added']],
    ['/app', ['3 attributes', '2 repeated', '1 added']],
    ['/file', ['4 repeated', '3 replaced', '1 added']],
    ['/file/in', ['3 added']],
    ['/lib', ['1 added']],
    ['/nothing', []],
    ['/file/in/deeper', []],
    ['/', ['1 added']],
    ['/app/..', ['1 added']],
    ['/app/d/..', ['3 attributes', '2 repeated', '1 added']],
  ])('%s', async (path, versions) => {
    expect(tell(await trace(image, path))).toEqual(versions);
  });

  it('follows symlinks on the way, in the image, but not the last name', async () => {
    expect(await trace(image, '/abs/later')).toMatchObject({ path: 'app/later', isShown: false });
    expect(await trace(image, '/lib/x')).toMatchObject({ path: 'app/d/x' });
    expect(await trace(image, '/abs')).toMatchObject({ path: 'abs', isShown: true });
    expect(await trace(image, '/loop/x')).toMatchObject({ versions: [], isShown: false });
  });

  it('says in what a version differs from the one below', async () => {
    expect((await trace(image, '/app/kept')).versions[1]?.attributes).toEqual(['size', 'mtime']);
    expect((await trace(image, '/app')).versions[0]?.attributes).toEqual(['mode']);
    expect((await trace(image, '/file')).versions[1]?.attributes).toEqual(['type']);
  });

  it('says which layer holds the bytes of a hard link to a lower layer', async () => {
    expect((await trace(image, '/same')).versions).toMatchObject([{ layer: 4, source: 1, change: 'added' }]);
  });

  it('is that of the fixture', async () => {
    const extended = await inspectFixture('extending-expressweb');
    expect(tell(await trace(extended, '/usr/src/app/node_modules/debug/index.js'))).toEqual([
      '7 deleted whiteout usr/src/app/node_modules/debug',
      '3 added',
    ]);
    expect(await trace(extended, '/bin/sh')).toMatchObject({ path: 'usr/bin/sh', isShown: true });
  });
});
