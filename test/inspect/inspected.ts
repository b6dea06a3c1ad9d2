// An InspectedImage of layers that were made in memory. Nothing of their content can be read.
import type { InspectedImage } from '../../src/inspect/inspected-image.ts';
import type { LayerIndex } from '../../src/layer/layer-index.ts';

export function inspectedOf(indexes: readonly LayerIndex[]): InspectedImage {
  const layers = indexes.map((index, i) => ({
    layer: {
      index,
      reader: { size: 0, read: () => 0, close: () => undefined },
      compression: 'none' as const,
      digest: undefined,
      diffId: undefined,
      close: () => undefined,
    },
    source: { kind: 'directory' as const, path: `/layer-${i + 1}` },
    wasRead: true,
    milliseconds: 0,
  }));
  return {
    image: {
      source: 'made',
      names: [],
      id: undefined,
      config: undefined,
      platform: undefined,
      history: [],
      layers: layers.map(({ source }) => source),
    },
    layers,
  };
}
