// The identity of the layers under an upper directory: the properties that it depends on, and those that it doesn't.
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openDirectoryLayer } from '../../src/layer/directory-layer.ts';
import { type LayersIdentity, identifyLayers } from '../../src/mount/layer-identity.ts';
import { file, layer } from '../tree/layer-maker.ts';

const directory = mkdtempSync(join(tmpdir(), 'stratafs-identity-'));
afterAll(() => rmSync(directory, { recursive: true }));

interface Digests {
  readonly digest?: string;
  readonly diffId?: string;
}

/** A blob with the digests `claimed` of the image and the digests `found` by indexing. */
function blob(
  claimed: Digests,
  found: Digests = {},
  path = directory,
): Parameters<typeof identifyLayers>[0][0] {
  return {
    layer: { index: layer({ f: file() }), digest: found.digest, diffId: found.diffId },
    source: { kind: 'blob', blob: { path, offset: 512, length: 1024 }, ...claimed },
  };
}

const identify = (...layers: Parameters<typeof identifyLayers>[0]): LayersIdentity => identifyLayers(layers);

/** The identity of the directory layer at `path`, which is opened again for each call. */
function identifyDirectory(path: string): LayersIdentity {
  const opened = openDirectoryLayer(path, { marks: 'trusted' });
  try {
    return identify({ layer: opened, source: { kind: 'directory', path } });
  } finally {
    opened.close();
  }
}

it('takes 16 bytes', () => {
  const { layers, tree } = identify(blob({ diffId: 'sha256:1' }));
  expect([layers.length, tree.length]).toEqual([16, 16]);
});

it('of a blob depends on its DiffID only, whether the image or the indexing provided it', () => {
  const plain = identify(blob({ diffId: 'sha256:1' }));
  expect(identify(blob({ digest: 'sha256:gz', diffId: 'sha256:1' }, {}, '/elsewhere'))).toEqual(plain);
  expect(identify(blob({}, { digest: 'sha256:gz', diffId: 'sha256:1' }))).toEqual(plain);
  expect(identify(blob({ diffId: 'sha256:2' })).layers).not.toEqual(plain.layers);
  expect(identify(blob({ digest: 'sha256:1' })).layers).not.toEqual(plain.layers);
});

it('of a blob that nobody hashed depends on its place', () => {
  expect(identify(blob({})).layers).toEqual(identify(blob({})).layers);
  expect(identify(blob({})).layers).not.toEqual(identify(blob({}, {}, tmpdir())).layers);
});

it('depends on the order and the number of the layers', () => {
  const [one, two] = [blob({ diffId: 'sha256:1' }), blob({ diffId: 'sha256:2' })];
  const identities = [[one, two], [two, one], [one], [one, two, two]].map((layers) =>
    Buffer.from(identify(...layers).layers).toString('hex'),
  );
  expect(new Set(identities).size).toBe(4);
});

it('of a directory depends on its path, and of the tree on the names in it', () => {
  const path = join(directory, 'lower');
  mkdirSync(join(path, 'd'), { recursive: true });
  writeFileSync(join(path, 'd/f'), 'x');
  const before = identifyDirectory(path);
  expect(identifyDirectory(path)).toEqual(before);

  writeFileSync(join(path, 'd/f'), 'other bytes');
  expect(identifyDirectory(path)).toEqual(before);

  renameSync(join(path, 'd/f'), join(path, 'd/g'));
  const renamed = identifyDirectory(path);
  expect(renamed.layers).toEqual(before.layers);
  expect(renamed.tree).not.toEqual(before.tree);

  renameSync(path, `${path}2`);
  expect(identifyDirectory(`${path}2`).layers).not.toEqual(before.layers);
});
