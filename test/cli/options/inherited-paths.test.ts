// Paths through a descriptor, which are resolved before another process uses them.
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { withRealPaths } from '../../../src/cli/options/inherited-paths.ts';
import type { MountRequest } from '../../../src/cli/options/mount-request.ts';

const directory = mkdtempSync(join(tmpdir(), 'stratafs-inherited-'));
const odd = join(directory, 'a:b');
const plain: MountRequest = {
  source: { kind: 'image', text: 'a.tar' },
  mountpoint: 'm',
  restart: 'off',
  options: {},
};
const OWN = '/proc/self/fd';
let fd = -1;
beforeAll(() => {
  mkdirSync(odd);
  fd = openSync(odd, 'r');
});
afterAll(() => {
  closeSync(fd);
  rmSync(directory, { recursive: true });
});

it('resolves all paths of a request', () => {
  const request = {
    ...plain,
    source: { kind: 'image' as const, text: `/dev/fd/${fd}/i.tar` },
    mountpoint: `/proc/self/fd/${fd}`,
    options: { upper: { directory: `/dev/fd/${fd}/u`, workDirectory: '/w' } },
  };
  expect(withRealPaths(request, OWN)).toMatchObject({
    source: { text: join(odd, 'i.tar') },
    mountpoint: odd,
    options: { upper: { directory: join(odd, 'u'), workDirectory: '/w' } },
  });
});

it('resolves each path in a list of layers, and escapes it again', () => {
  const text = `/dev/fd/${fd}:x\\:/dev/fd/${fd}:/dev/fd/${fd}/l:/dev/fdx/${fd}`;
  expect(withRealPaths({ ...plain, source: { kind: 'lowerdir', text } }, OWN).source.text).toBe(
    `${directory}/a\\:b:x\\:/dev/fd/${fd}:${directory}/a\\:b/l:/dev/fdx/${fd}`,
  );
});

it('rejects a descriptor that is not open or has no path', () => {
  const at = (mountpoint: string) => withRealPaths({ ...plain, mountpoint }, OWN);
  expect(() => at('/dev/fd/987654')).toThrow('/dev/fd/987654: descriptor 987654 is not open');
  const gone = mkdtempSync(join(directory, 'gone'));
  const goneFd = openSync(gone, 'r');
  rmSync(gone, { recursive: true });
  try {
    expect(() => at(`/dev/fd/${goneFd}`)).toThrow(
      /found .* \(deleted\), expected a file or directory that has a path/,
    );
  } finally {
    closeSync(goneFd);
  }
});
