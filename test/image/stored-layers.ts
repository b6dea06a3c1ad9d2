// The layers of an image in an archive, with what its manifest says of them.
import { readFileSync } from 'node:fs';
import { openImageSource } from '../../src/image/open-image.ts';
import type { BlobLocation } from '../../src/layer/layer.ts';

export interface StoredLayer {
  readonly bytes: Buffer;
  readonly annotations: Readonly<Record<string, string>>;
}

export async function storedLayersOf(source: string): Promise<StoredLayer[]> {
  const { manifest, layers } = await openImageSource(source);
  if (manifest === undefined) throw new Error(`${source}: no manifest`);
  const { layers: described } = JSON.parse(read(manifest.blob).toString()) as {
    layers: { annotations?: Record<string, string> }[];
  };
  return layers.map((layer, i) => {
    if (layer.kind !== 'blob') throw new Error(`${source}: layer ${i} is not stored`);
    return { bytes: read(layer.blob), annotations: described[i]?.annotations ?? {} };
  });
}

const read = ({ path, offset, length }: BlobLocation): Buffer =>
  readFileSync(path).subarray(offset, offset + length);
