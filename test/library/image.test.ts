// Image: layers, history, which, diff, waste, export, and its end.
import { execFileSync } from 'node:child_process';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { InputError, listImages, openImage } from '../../src/index.ts';
import { fixture } from '../mount/stratafs.ts';
import { archiveOf, openForTest } from './open.ts';

describe('an image', () => {
  it('says its names, its layers and the steps that made them', async () => {
    const image = await openForTest(fixture('expressweb.tar'));
    expect(image.names).toEqual(['expressweb:latest', 'expressweb:1.0.0']);
    expect(image.id).toMatch(/^sha256:c3c74c4ba3f5/);
    expect(image.layers.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
    expect(image.layers[3]?.instruction).toMatch(/^(COPY|ADD|RUN) /);
    const withLayer = image.history.filter(({ layer }) => layer !== undefined);
    expect(withLayer.map(({ layer, instruction }) => [layer?.number, instruction])).toEqual(
      image.layers.map(({ number, instruction }) => [number, instruction]),
    );
    expect(image.historyGap).toBeUndefined();
  });

  it('which lists the versions of a path, deleted ones too', async () => {
    const image = await openForTest(
      await archiveOf(
        [
          ['d/file', 'one'],
          ['gone', 'x'],
        ],
        [
          ['d/file', 'two'],
          ['.wh.gone', ''],
        ],
      ),
    );
    const { path, isShown, versions } = await image.which('d/file');
    expect([path, isShown]).toEqual(['/d/file', true]);
    expect(versions.map(({ layer, change }) => [layer, change])).toEqual([
      [2, 'replaced'],
      [1, 'added'],
    ]);
    const gone = await image.which(Buffer.from('/gone'));
    expect(gone.isShown).toBe(false);
    expect(gone.versions[0]).toMatchObject({
      layer: 2,
      change: 'deleted',
      cause: 'whiteout',
      with: undefined,
    });
  });

  it('diff lists what another image has added, changed and deleted, with attributes of both', async () => {
    const before = await openForTest(
      await archiveOf([
        ['a', 'old'],
        ['b', 'x'],
      ]),
    );
    const after = await openForTest(
      await archiveOf([
        ['a', 'longer'],
        ['c', 'y'],
      ]),
    );
    const found = await before.diff(after);
    expect(found.map(({ kind, path, attributes }) => [kind, path, attributes])).toEqual([
      ['changed', '/a', ['size']],
      ['deleted', '/b', []],
      ['added', '/c', []],
    ]);
    expect([found[0]?.before?.size, found[0]?.after?.size]).toEqual([3, 6]);
    expect(await before.diff(before.source)).toEqual([]);
  });

  it('upTo is the stack up to a layer, and what a layer changes is the difference of two', async () => {
    const image = await openForTest(await archiveOf([['a', '1']], [['b', '2']]));
    expect(await image.upTo(1).readdir('/')).toEqual(['a']);
    expect(await image.upTo(0).readdir('/')).toEqual([]);
    expect((await image.upTo(1).diff(image)).map(({ kind, path }) => [kind, path])).toEqual([
      ['added', '/b'],
    ]);
    expect(() => image.upTo(3)).toThrow(expect.objectContaining({ code: 'ERR_STRATAFS_NO_LAYER' }));
    expect(await image.layerChanges()).toEqual([
      { added: 1, changed: 0, deleted: 0 },
      { added: 1, changed: 0, deleted: 0 },
    ]);
  });

  it('waste lists the bytes that higher layers hide', async () => {
    const image = await openForTest(await archiveOf([['a', 'hidden']], [['a', 'shown']]));
    const { wastedBytes, paths } = await image.waste();
    expect(wastedBytes).toBe(6);
    expect(paths.map(({ path, bytes }) => [path, bytes])).toEqual([['/a', 6]]);
  });

  it('export is a tar that GNU tar reads', async () => {
    const image = await openForTest(fixture('expressweb.tar'));
    const tar = await buffer(image.export());
    const listed = execFileSync('tar', ['-tf', '-'], { input: tar, encoding: 'utf8' });
    const walked = ['./'];
    for await (const entry of image.walk()) {
      walked.push(entry.path.slice(1) + (entry.isDirectory() ? '/' : ''));
    }
    expect(listed.split('\n').slice(0, -1)).toEqual(walked);
  });

  it('an export that is given up ends, and the image can be read on', async () => {
    const image = await openForTest(fixture('expressweb.tar'));
    const stream = image.export();
    await stream[Symbol.asyncIterator]().next();
    stream.destroy();
    expect(stream.destroyed).toBe(true);
    expect(await image.readdir('/')).toContain('usr');
  });

  it('an aborted signal ends diff, readFile and export with its reason', async () => {
    const image = await openForTest(await archiveOf([['a', 'x']]));
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(image.diff(image, { signal })).rejects.toThrow('enough');
    await expect(image.readFile('a', { signal })).rejects.toThrow('enough');
    await expect(buffer(image.export({ signal }))).rejects.toThrow('enough');
  });

  it('which is closed answers ERR_STRATAFS_CLOSED, and ends the streams that read it', async () => {
    const image = await openForTest(fixture('expressweb.tar'));
    const stream = image.createReadStream('/usr/src/app/README.md');
    const view = image.upTo(1);
    await image.close();
    await image.close();
    const closed = { name: 'InputError', code: 'ERR_STRATAFS_CLOSED' };
    await expect(image.stat('/')).rejects.toMatchObject(closed);
    await expect(view.readdir('/')).rejects.toMatchObject(closed);
    await expect(buffer(stream)).rejects.toMatchObject(closed);
    await expect(image.walk().next()).rejects.toMatchObject(closed);
    await expect(buffer(image.export())).rejects.toMatchObject(closed);
    expect(image.layers.length).toBe(4);
  });
});

describe('an InputError has a code', () => {
  it.each([
    ['a file that is not there', fixture('none.tar'), 'ERR_STRATAFS_NO_IMAGE'],
    ['a file that is not an archive', fixture('README.md'), 'ERR_STRATAFS_NO_IMAGE'],
    ['a name that the archive does not have', `${fixture('expressweb.tar')}:none`, 'ERR_STRATAFS_NO_IMAGE'],
    ['an archive of several images', fixture('expressweb-both.tar'), 'ERR_STRATAFS_SEVERAL_IMAGES'],
  ])('for %s', async (_, source, code) => {
    const error = await openImage(source).catch((each: unknown) => each);
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({ code });
  });

  it('for a layer that the image does not have', async () => {
    await expect(openForTest(fixture('expressweb.tar'), { upto: '9' })).rejects.toMatchObject({
      code: 'ERR_STRATAFS_NO_LAYER',
    });
  });
});

it('listImages lists the images of an archive, and what they share', async () => {
  const { images, totalSize } = await listImages(fixture('expressweb-both.tar'));
  expect(images.map(({ names }) => names[0]).sort()).toEqual([
    'expressweb:latest',
    'extending-expressweb:latest',
  ]);
  expect(totalSize).toBeGreaterThan(0);
});
