// Writes layers of an open image to directories in overlayfs's format.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { nameLayer } from '../image/open-layers.ts';
import { writeLayerDirectory } from '../layer/write-directory.ts';
import { resolveLowerLinks } from '../tree/lower-links.ts';
import { readBlobBytes } from './file-content.ts';
import type { InspectedImage } from './inspected-image.ts';

/**
 * Writes each layer of `inspected` for which `directoryOf` (base 0) returns a directory, which is empty. Throws InputError for
 * hard links whose target no lower layer has, and ErrnoError if a system call fails or a layer can't be read.
 */
export async function writeLayerDirectories(
  { image, layers: opened }: InspectedImage,
  directoryOf: (layer: number) => string | undefined,
): Promise<void> {
  const layers = opened.map(({ layer: { index, reader } }) => ({
    index,
    readBytes: (offset: number, length: number) => readBlobBytes(reader, offset, length),
  }));
  const indexes = layers.map(({ index }) => index);
  const links = resolveLowerLinks(indexes, (layer) => nameLayer(image, layer));
  for (const [number, linksOfLayer] of links.entries()) {
    const directory = directoryOf(number);
    if (directory === undefined) continue;
    const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      await writeLayerDirectory(layers, number, linksOfLayer, handle.fd);
    } finally {
      await handle.close();
    }
  }
}
