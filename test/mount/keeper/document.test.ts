// The handover document: what it holds comes back, and anything else is refused like a file from a disk.
import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Image } from '../../../src/image/image.ts';
import { readDocument, writeDocument } from '../../../src/mount/keeper/document.ts';
import { layerFile } from '../../../src/mount/keeper/layer-files.ts';
import { isHopeless } from '../../../src/mount/keeper/resume.ts';

let directory: string;
let layer: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stratafs-document-'));
  layer = join(directory, 'layer.tar');
  writeFileSync(layer, 'some bytes');
});
afterEach(() => rmSync(directory, { recursive: true }));

const image = (path: string): Image => ({
  ...{
    source: 'app.tar',
    names: ['app:1'],
    id: undefined,
    config: undefined,
    platform: undefined,
    history: [],
  },
  layers: [{ kind: 'blob', blob: { path, offset: 0, length: 10 }, diffId: 'sha256:00' }],
});

const write = (): Record<string, unknown> =>
  JSON.parse(
    writeDocument({
      ...{ mountpoint: '/mnt', device: '0:53', started: 5, treeKey: 'ab' },
      agreement: { minor: 45, flags: 0xffffffff, flags2: 128 },
      image: image(layer),
      origin: { directory: '/' },
      files: [layerFile(layer)],
    }).toString(),
  ) as Record<string, unknown>;

function read(text: string): ReturnType<typeof readDocument> {
  const path = join(directory, 'document');
  writeFileSync(path, text);
  const fd = openSync(path, 'r');
  try {
    return readDocument(fd);
  } finally {
    closeSync(fd);
  }
}

const refusal = (text: string): unknown => {
  try {
    read(text);
  } catch (error) {
    return error;
  }
  return undefined;
};

it('is read as it was written', () => {
  const { files, image: found, ...rest } = read(JSON.stringify(write()));
  expect(rest).toMatchObject({
    ...{ mountpoint: '/mnt', device: '0:53', started: 5, treeKey: 'ab' },
    agreement: { minor: 45, flags: 0xffffffff, flags2: 128 },
  });
  expect(found.layers).toEqual(image(layer).layers);
  expect(files).toMatchObject([{ size: 10 }]);
});

it.each([
  ['another form', { form: '0.0.0.0' }],
  ['no form', { form: undefined }],
  ['a relative mount point', { mountpoint: 'mnt' }],
  ['a mount point with NUL', { mountpoint: '/a\0b' }],
  ['flags of 33 bits', { agreement: { minor: 45, flags: 2 ** 32, flags2: 0 } }],
  ['negative flags', { agreement: { minor: 45, flags: -1, flags2: 0 } }],
  ['no agreement', { agreement: undefined }],
  ['fewer files than layers', { files: [] }],
  ['a file without a size', { files: [{ dev: 1, ino: 1, mtimeSec: 0, mtimeNsec: 0 }] }],
  ['a time that is a text', { files: [{ dev: 1, ino: 1, size: 1, mtimeSec: 'x', mtimeNsec: 0 }] }],
  ['a field too many', { extra: 1 }],
  ['another image', { image: 'app.tar' }],
])('with %s is refused for good', (_title, change) => {
  expect(isHopeless(refusal(JSON.stringify({ ...write(), ...change })))).toBe(true);
});

it('that is cut off at any byte is refused for good', () => {
  const whole = JSON.stringify(write());
  for (let length = 0; length < whole.length; length++)
    expect(isHopeless(refusal(whole.slice(0, length)))).toBe(true);
});

it.each(['null', '[]', '7', '"x"'])('that is %s is refused for good', (text) => {
  expect(isHopeless(refusal(text))).toBe(true);
});

it('is not read if it is too large', () => {
  writeFileSync(join(directory, 'large'), '');
  truncateSync(join(directory, 'large'), 2 ** 40);
  const fd = openSync(join(directory, 'large'), 'r');
  expect(() => readDocument(fd)).toThrow('expected at most');
  closeSync(fd);
});
