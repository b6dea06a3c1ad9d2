// Any archive, however spoilt, is an image or an InputError: nothing else is thrown, nothing outside is shown.
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { listImages, openImageSource } from '../../src/image/open-image.ts';
import { InputError } from '../../src/vfs/input-error.ts';
import { scratchDirectory } from './scratch.ts';

/** mulberry32: the same numbers in each run. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** What JSON and tar headers are sensitive to. */
const PIECES = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ',',
  'null',
  '-1',
  '1e999',
  '../',
  '/etc/passwd',
  '\0',
  '\u00ff',
  '0',
  '9',
];

/** The ranges of JSON, headers and digests in the archive: everything except the layers. */
function interesting(bytes: Buffer): number[] {
  const offsets: number[] = [];
  for (let at = 0; at < bytes.length; at += 512) {
    const block = bytes.toString('latin1', at, at + 512);
    if (block.includes('ustar') || block.includes('{"') || block.includes('sha256:')) offsets.push(at);
  }
  return offsets;
}

/** The InputError's message, '' for an image; anything else is thrown. */
async function outcome(open: Promise<unknown>): Promise<string> {
  try {
    await open;
    return '';
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
}

test.each(['forms/skopeo-untagged.tar', 'forms/docker25.0.0.tar', 'forms/oci-plain.tar', 'platforms.tar'])(
  'fixtures/%s with bytes changed at random',
  async (name) => {
    const good = await readFile(`fixtures/${name}`);
    const blocks = interesting(good);
    const path = join(await scratchDirectory(), 'image.tar');
    const random = randomOf(good.length);
    const messages = new Set<string>();
    for (let run = 0; run < 100; run++) {
      const bytes = Buffer.from(good);
      for (let change = 0; change <= random(3); change++) {
        const at = (blocks[random(blocks.length)] as number) + random(512);
        Buffer.from(PIECES[random(PIECES.length)] as string, 'latin1').copy(bytes, at);
      }
      await writeFile(path, run % 10 === 0 ? bytes.subarray(0, random(bytes.length)) : bytes);
      for (const source of [path, `docker-archive:${path}:@0`, `oci-archive:${path}:notes`]) {
        const message = await outcome(
          openImageSource(source).then(({ layers }) => {
            for (const layer of layers) {
              if (layer.kind !== 'blob') throw new Error('expected a blob');
              expect(layer.blob.path).toBe(resolve(path));
              expect(layer.blob.offset + layer.blob.length).toBeLessThanOrEqual(bytes.length);
            }
          }),
        );
        messages.add(message.replace(/[0-9a-f]{8,}|\d+/g, '#'));
      }
      await outcome(listImages(path));
    }
    // The changes reach many checks, and one line says each.
    expect(messages.size).toBeGreaterThan(5);
    for (const message of messages) expect(message).not.toMatch(/[^\P{Cc}\n]/u);
  },
);
