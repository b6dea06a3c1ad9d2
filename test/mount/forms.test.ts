// Every form that tools save images in, mounted: the tree that umoci unpacked, to the last byte.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { type Decisions, decided, recordedTree, withoutHoles } from '../oracle/recorded.ts';
import { type Snapshot, snapshotDirectory } from '../oracle/snapshot.ts';
import { describeWith } from '../requirements.ts';
import { describeDrivers, devFuse } from './drivers.ts';
import { listInodes, numberInodes } from './inodes.ts';
import { fixture, withMounted, withWorkplace } from './stratafs.ts';

/** A directory that no tar has an entry for: umoci leaves it the time of unpacking, we the lower one's, or 0. */
const untimed: Readonly<Record<string, Decisions>> = {
  'edge-cases': {
    implicit: { mtime: '1704067200000000000' },
    'implicit/new': { mtime: '0' },
    'implicit/new/deeper': { mtime: '0' },
  },
};

/** What only the default driver mounts here: the forms differ in what is read, not in what is shown. */
const moreSources = [
  ['expressweb', 'expressweb-both.tar:expressweb:1.0.0'],
  ['expressweb', 'forms/docker25.tar:expressweb'],
  ['expressweb', 'forms/podman.tar:localhost/expressweb:1.0.0'],
  ['expressweb', 'forms/oci-zstd-chunked.tar'],
  ['extending-expressweb', 'expressweb-both.tar:localhost:5000/team/extending-expressweb:v2'],
  ['extending-expressweb', 'forms/docker25.tar:extending-expressweb'],
  ['extending-expressweb', 'forms/containerd.tar'],
  ['extending-expressweb', 'forms/podman.tar:extending-expressweb'],
  ['edge-cases', 'edge-cases.tar'],
] as const;

function oracleOf(image: string): Snapshot {
  return decided(recordedTree(image), untimed[image] ?? {});
}

describeDrivers(['root', { program: 'python3' }], 'a mount of an image that a tool saved', (driver) => {
  const sources = [
    ['expressweb', 'expressweb.tar'],
    ['extending-expressweb', 'forms/oci-gzip.tar'],
    ['expressweb', 'forms/oci-zstd'],
  ] as const;
  it.each(driver === devFuse ? [...sources, ...moreSources] : sources)(
    "shows umoci's tree of %s, with the inode numbers of its names: %s",
    (image, source) =>
      withMounted(
        fixture(source),
        ({ mountpoint }) => {
          const oracle = oracleOf(image);
          expect(withoutHoles(snapshotDirectory(mountpoint))).toEqual(oracle);
          const numbers = [...numberInodes(oracle)].map(
            ([path, number]) => [path, { listed: number, stated: number }] as const,
          );
          expect(listInodes(mountpoint)).toEqual(new Map(numbers));
        },
        ...driver.options,
      ),
  );
});

describeWith(['fuse', 'root', { program: 'python3' }], 'a mount of an image that a tool saved', () => {
  it.each([
    ['forms/docker20.tar.gz'],
    ['forms/docker25.0.0.tar'],
    ['forms/skopeo-untagged.tar'],
    ['forms/oci-plain.tar'],
  ])('shows notes with its last layer on top: %s', (source) =>
    withMounted(fixture(source), ({ mountpoint }) => {
      const shown = snapshotDirectory(mountpoint);
      expect([...shown.keys()]).toEqual(['', 'note']);
      expect(shown.get('note')).toMatchObject({ mode: 0o100644, uid: 0, mtime: '1704067200000000000' });
      expect(readFileSync(`${mountpoint}/note`)).toEqual(readFileSync(fixture('notes/first/note')));
    }),
  );

  it.each([
    ['platforms.tar:demo', 'linux/amd64', 'linux/amd64'],
    ['platforms.tar:demo', 'linux/arm64', 'linux/arm64/v8'],
    ['platforms.tar:demo', 'linux/arm', 'linux/arm/v7'],
    ['platforms.tar:demo', 'linux/arm/v6', 'linux/arm/v6'],
    ['platforms.tar:demo-2', 'linux/amd64', 'linux/amd64'],
  ])('shows the platform that was asked for: %s, --platform %s', (source, platform, shown) =>
    withMounted(
      fixture(source),
      ({ mountpoint }) => {
        expect(readFileSync(`${mountpoint}/platform`, 'utf8')).toBe(`${shown}\n`);
      },
      `--platform=${platform}`,
    ),
  );

  it('shows the same from the saved index, and from an index made again', () =>
    withWorkplace(async (place) => {
      const shown = [];
      for (const options of [[], [], ['--no-index-cache'], ['--verify']]) {
        await place.mount(fixture('edge-cases.tar'), ...options);
        shown.push({ tree: snapshotDirectory(place.mountpoint), inodes: listInodes(place.mountpoint) });
        await place.unmount();
      }
      for (const again of shown.slice(1)) expect(again).toEqual(shown[0]);
    }));
});
