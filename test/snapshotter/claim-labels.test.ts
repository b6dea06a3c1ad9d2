// The labels of a pull, and the names of stacks of layers.
import { expect, it } from 'vitest';
import { wantedLayerOf } from '../../src/snapshotter/claim-labels.ts';
import { chainIdsOf } from '../../src/snapshotter/image-layers.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const manifest = `sha256:${'b'.repeat(64)}`;
const labels = {
  'containerd.io/snapshot.ref': 'sha256:chain',
  'containerd.io/snapshot/cri.image-ref': 'host:5000/app:1',
  'containerd.io/snapshot/cri.layer-digest': digest,
};

it('a layer is wanted if the labels name its image, its digest and the snapshot', () => {
  expect(wantedLayerOf(labels)).toEqual({
    ...{ target: 'sha256:chain', source: 'docker://host:5000/app:1', digest },
  });
  for (const name of Object.keys(labels)) {
    const others = Object.entries(labels).filter(([each]) => each !== name);
    expect(wantedLayerOf(Object.fromEntries(others))).toBeUndefined();
  }
  expect(wantedLayerOf({ ...labels, 'containerd.io/snapshot/cri.layer-digest': 'md5:x' })).toBeUndefined();
});

it('the digest of the manifest counts before a tag', () => {
  const pinned = { ...labels, 'containerd.io/snapshot/cri.manifest-digest': manifest };
  expect(wantedLayerOf(pinned)?.source).toBe(`docker://host:5000/app:1@${manifest}`);
});

it('a ChainID is the digest of the ChainID below and the DiffID', () => {
  // OCI image-spec, config.md; printf '%s %s' sha256:a sha256:b | sha256sum
  expect(chainIdsOf(['sha256:a', 'sha256:b'])).toEqual([
    'sha256:a',
    'sha256:970a948bffa8de94d6e22d747ba8c95030e6e546909f98f54e99a13005e173a8',
  ]);
});
