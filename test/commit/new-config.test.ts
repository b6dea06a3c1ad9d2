// The history of a new image has one step a layer: docker and buildah refuse any other number.
import { describe, expect, it } from 'vitest';
import { keptHistory } from '../../src/commit/new-config.ts';
import type { Image, LayerSource } from '../../src/image/image.ts';
import { bareImage } from '../../src/image/lower-stack.ts';

const layer: LayerSource = { kind: 'blob', blob: { path: '/f', offset: 0, length: 1 } };

/** An image of so many layers; '-' begins a step that made none. */
function imageOf(layerCount: number, steps: readonly string[]): Image {
  return {
    ...bareImage('S', new Array<LayerSource>(layerCount).fill(layer)),
    history: steps.map((createdBy) => ({ createdBy, emptyLayer: createdBy.startsWith('-') })),
  };
}

const shown = (image: Image, count: number): string[] =>
  keptHistory(image, count).map(
    ({ createdBy, emptyLayer }) => `${createdBy ?? '?'}${emptyLayer ? '' : ' +'}`,
  );

describe('the steps that a new image keeps', () => {
  it('are those of its lowest layers, and the ones between', () => {
    const image = imageOf(3, ['-from', 'a', '-env', 'b', '-cmd', 'c', '-last']);
    expect(shown(image, 3)).toEqual(['-from', 'a +', '-env', 'b +', '-cmd', 'c +', '-last']);
    expect(shown(image, 1)).toEqual(['-from', 'a +', '-env']);
    expect(shown(image, 0)).toEqual(['-from']);
  });

  it('begin with a step for each layer that has none: those of a base without history', () => {
    const image = imageOf(3, ['-from', 'c']);
    expect(shown(image, 3)).toEqual(['? +', '? +', '-from', 'c +']);
    expect(shown(image, 2)).toEqual(['? +', '? +', '-from']);
    expect(shown(image, 1)).toEqual(['? +', '-from']);
    expect(shown(imageOf(2, []), 2)).toEqual(['? +', '? +']);
  });

  it('make no layer where there are more of them than layers', () => {
    expect(shown(imageOf(1, ['a', 'b', '-c']), 1)).toEqual(['a +', 'b', '-c']);
  });
});
