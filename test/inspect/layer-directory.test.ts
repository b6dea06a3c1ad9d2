// Layers as directories, which kernel overlayfs then merges: it must show what the image shows.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeLayerDirectories } from '../../src/inspect/layer-directory.ts';
import { type SampleLayer, SampleLayout } from '../image/sample-images.ts';
import { type Members, scratchDirectory, sha256, tarFile, tarOf } from '../image/scratch.ts';
import { describeWith } from '../requirements.ts';
import { inspectForTest } from './open.ts';

async function layerOf(members: Members): Promise<SampleLayer> {
  const tar = await tarOf(members);
  return { tar, diffId: `sha256:${sha256(tar)}` };
}

describeWith(['root', { filesystem: 'overlay' }], 'layers written to directories', () => {
  it('merge in kernel overlayfs to the image, a whiteout of a 255-byte name and links across layers too', async () => {
    const long = 'n'.repeat(255);
    const layers = [
      await layerOf([
        [long, 'hidden'],
        ['kept', 'kept'],
        ['d/gone', 'gone'],
        ['a/b/c/below', 'below'],
      ]),
      await layerOf([
        [`.wh.${long}`, ''],
        ['linked', { link: 'kept' }],
        ['d/.wh..wh..opq', ''],
        ['d/new', 'new'],
        ['d/same', { link: 'd/new' }],
        ['a/b/c/above', 'above'],
        ['a/b/also', { link: 'a/b/c/above' }],
        ['s', { symlink: '/etc' }],
      ]),
    ];
    const layout = new SampleLayout();
    layout.add(layout.image(layers), 'x:1');
    const inspection = await inspectForTest(await tarFile(layout.members()));
    const place = await scratchDirectory();
    for (const name of ['0', '1', 'merged']) mkdirSync(join(place, name));
    await writeLayerDirectories(inspection, (layer) => join(place, String(layer)));
    const merged = join(place, 'merged');
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', 'ro,lowerdir=1:0', merged], { cwd: place });
    try {
      expect(readdirSync(merged).sort()).toEqual(['a', 'd', 'kept', 'linked', 's']);
      expect(readdirSync(join(merged, 'a/b/c')).sort()).toEqual(['above', 'below']);
      expect(readFileSync(join(merged, 'a/b/also'), 'utf8')).toBe('above');
      expect(readdirSync(join(merged, 'd')).sort()).toEqual(['new', 'same']);
      expect(readFileSync(join(merged, 'linked'), 'utf8')).toBe('kept');
      expect(statSync(join(merged, 'd/new')).nlink).toBe(2);
    } finally {
      execFileSync('umount', [merged]);
    }
  });
});
