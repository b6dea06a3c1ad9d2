// Every form that tools save images in, mounted: the tree that umoci unpacked, to the last byte.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { withoutHoles } from '../oracle/recorded.ts';
import { snapshotDirectory } from '../oracle/snapshot.ts';
import { describeWith } from '../requirements.ts';
import { describeDrivers, devFuse } from './drivers.ts';
import { FORMS, MORE_FORMS, NOTES_FORMS, oracleOf } from './forms.ts';
import { listInodes, numberInodes } from './inodes.ts';
import { fixture, withMounted, withWorkplace } from './stratafs.ts';

describeDrivers(['root', { program: 'python3' }], 'a mount of an image that a tool saved', (driver) => {
  it.each(driver === devFuse ? [...FORMS, ...MORE_FORMS] : FORMS)(
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
  it.each(NOTES_FORMS)('shows notes with its last layer on top: %s', (source) =>
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
