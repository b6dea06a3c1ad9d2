// Mounts that fail: one line of error, exit status 1, nothing mounted, no partial files.
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { OWN_NAMESPACE } from './own-namespace.ts';
import { COMMAND, type Workplace, fixture, run, withMounted, withWorkplace } from './stratafs.ts';

const image = fixture('expressweb.tar');

/** Runs `mount ARGS`, which must exit with `status` and one matching line, and leave nothing. */
async function refuses(
  place: Workplace,
  args: readonly string[],
  line: RegExp | string,
  status = 1,
): Promise<void> {
  const before = place.mounted();
  const outcome = await place.stratafs(['mount', ...args]);
  if (typeof line === 'string') expect(outcome.stderr).toBe(`stratafs: ${line}\n`);
  else expect(outcome.stderr).toMatch(line);
  expect(outcome.stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(outcome).toMatchObject({ status, stdout: '' });
  expect(place.mounted()).toEqual(before);
  expect(place.drafts()).toEqual([]);
}

describeWith(['fuse'], 'mount refuses', () => {
  it('a source that does not exist, is empty, or is not an image', () =>
    withWorkplace(async (place) => {
      await refuses(place, ['none.tar', 'mnt'], 'none.tar: no such file or directory');
      writeFileSync(place.path('empty'), '');
      await refuses(place, ['empty', 'mnt'], 'empty: found an empty file, expected a tar');
      writeFileSync(place.path('junk'), Buffer.alloc(4096, 'junk'));
      await refuses(place, ['junk', 'mnt'], /^stratafs: junk: is not a tar archive, expected/);
    }));

  it('an archive that ends too early', () =>
    withWorkplace(async (place) => {
      copyFileSync(image, place.path('cut.tar'));
      truncateSync(place.path('cut.tar'), 100_000);
      await refuses(
        place,
        ['cut.tar', 'mnt'],
        /^stratafs: cut\.tar: at byte \d+: found .*, expected .*truncated/,
      );
    }));

  it('a layer whose bytes changed, naming both digests; --no-verify mounts it', () =>
    withWorkplace(async (place) => {
      copyFileSync(image, place.path('bad.tar'));
      const file = openSync(place.path('bad.tar'), 'r+');
      writeSync(file, 'XXXX', 60_000);
      closeSync(file);
      await refuses(
        place,
        ['bad.tar', 'mnt'],
        /^stratafs: layer 1 of bad\.tar: found (DiffID|digest) sha256:[0-9a-f]{64}, expected sha256:[0-9a-f]{64}/,
      );
      await place.mount('bad.tar', '--no-verify');
      await place.unmount();
    }));

  it('an image, a platform or a layer that is not in the archive, and lists those that are', () =>
    withWorkplace(async (place) => {
      for (const args of [
        [`${image}:none`],
        ['--platform', 'linux/s390x', image],
        ['--layer', '99', image],
      ]) {
        const { status, stderr } = await place.stratafs(['mount', ...args, 'mnt']);
        expect(status).toBe(1);
        expect(stderr).toMatch(/^stratafs: .*(there is no|has no).*\n {2}/);
        expect(place.mounted()).toEqual([]);
      }
    }));

  it('a mount point that is missing, or a file', () =>
    withWorkplace(async (place) => {
      await refuses(place, [image, 'none'], 'mount point none: there is no such directory (make it first)');
      writeFileSync(place.path('file'), '');
      await refuses(place, [image, 'file'], 'mount point file: found a file, expected a directory');
    }));

  it('a mount point that has a stratafs mount already, by whatever name', () =>
    withMounted(image, async (place) => {
      const line = `${place.mountpoint}: already a stratafs mount of ${image}`;
      await refuses(place, [image, 'mnt'], line);
      await refuses(place, [image, './mnt/../mnt/'], line);
    }));

  it('a mount point that is one of the layers', () =>
    withWorkplace(async (place) => {
      await refuses(
        place,
        ['-o', 'lowerdir=mnt', 'mnt'],
        `${place.mountpoint}: is one of the layers that would be mounted on it`,
      );
    }));

  it('unknown options, with exit status 2', () =>
    withWorkplace(async (place) => {
      await refuses(
        place,
        ['-o', 'ro,nodevv', image, 'mnt'],
        "unknown mount option 'nodevv' (did you mean 'nodev'?)",
        2,
      );
      await refuses(
        place,
        ['--platfrom', 'x', image, 'mnt'],
        /unknown option '--platfrom' \(Did you mean --platform\?\)/,
        2,
      );
    }));
});

describeWith(['fuse'], 'mount allows', () => {
  it('a mount point that is not empty, with a warning', () =>
    withWorkplace(async (place) => {
      mkdirSync(join(place.mountpoint, 'hidden'));
      const { status, stderr } = await place.stratafs(['mount', image, 'mnt']);
      expect(stderr).toBe(
        `stratafs: warning: ${place.mountpoint}: not empty; what is in it stays hidden while the mount lasts\n`,
      );
      expect(status).toBe(0);
      await place.unmount();
      expect(readdirSync(place.mountpoint)).toEqual(['hidden']);
    }));
});

describeWith(['fuse', 'root', { program: 'unshare' }], 'mount without a device', () => {
  it('says that /dev/fuse is not there', () =>
    withWorkplace(async (place) => {
      // An empty /dev in a mount namespace of its own.
      const script = 'mount -t tmpfs none /dev && exec "$@"';
      const outcome = await run(
        'unshare',
        [
          ...OWN_NAMESPACE,
          'sh',
          '-c',
          script,
          'sh',
          process.execPath,
          COMMAND,
          'mount',
          '-f',
          image,
          place.mountpoint,
        ],
        { env: place.environment },
      );
      expect(outcome.stderr).toMatch(/^stratafs: \/dev\/fuse is not there: .*modprobe fuse.*\n$/);
      expect(outcome.status).toBe(1);
    }));
});
