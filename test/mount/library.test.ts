// The library: `mount` and `openImage`. This process serves the mount, so child processes look at it.
import { execFile } from 'node:child_process';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import {
  InputError,
  type MountOptions,
  type Progress,
  indexImage,
  mount,
  openImage,
} from '../../src/index.ts';
import { describeWith } from '../requirements.ts';
import { fixture } from './stratafs.ts';

const run = promisify(execFile);
const source = fixture('expressweb.tar');

async function withDirectory(
  body: (mountpoint: string, options: MountOptions) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'stratafs-library-'));
  const mountpoint = join(directory, 'mnt');
  mkdirSync(mountpoint);
  try {
    await body(mountpoint, { cacheDirectory: join(directory, 'cache') });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describeWith(['fuse'], 'the library', () => {
  it('mounts a source, counts, and unmounts', () =>
    withDirectory(async (mountpoint, options) => {
      const served = await mount(source, mountpoint, options);
      try {
        expect(served.mountpoint).toBe(mountpoint);
        expect(served.image.names).toContain('expressweb:latest');
        const { stdout } = await run('cat', [join(mountpoint, 'usr/src/app/package.json')]);
        expect(stdout).toContain('"name": "expressweb"');
        expect(served.statistics().bytesRead).toBeGreaterThan(0);
      } finally {
        await served.unmount();
      }
      await served.closed;
      expect((await run('ls', [mountpoint])).stdout).toBe('');
    }));

  it('ends with the block that uses it', () =>
    withDirectory(async (mountpoint, options) => {
      {
        await using image = await openImage(source, options);
        await using served = await mount(image, mountpoint, options);
        expect((await run('ls', [served.mountpoint])).stdout).toContain('usr');
      }
      expect((await run('ls', [mountpoint])).stdout).toBe('');
    }));

  it('close may be called twice, and after somebody else has unmounted', () =>
    withDirectory(async (mountpoint, options) => {
      const first = await mount(source, mountpoint, options);
      await first.close();
      await first.close();
      const second = await mount(source, mountpoint, options);
      await run('umount', [mountpoint]);
      await second.closed;
      await second.close();
    }));

  it('takes a relative mount point from where the process is when it is called', () =>
    withDirectory(async (mountpoint, options) => {
      const before = process.cwd();
      try {
        process.chdir(dirname(mountpoint));
        const mounting = mount(source, './mnt/', options);
        process.chdir('/');
        const served = await mounting;
        expect(served.mountpoint).toBe(mountpoint);
        expect((await run('ls', [mountpoint])).stdout).toContain('usr');
        await served.unmount();
      } finally {
        process.chdir(before);
      }
    }));

  it('rejects for a mount point that is missing, before a layer is read', () =>
    withDirectory(async (mountpoint, options) => {
      const reports: Progress[] = [];
      const watched = { ...options, onProgress: (progress: Progress) => void reports.push(progress) };
      await expect(mount(source, `${mountpoint}-none`, watched)).rejects.toThrow(InputError);
      expect(reports).toEqual([]);
    }));

  it('reports progress, and warns of files that the mount hides', () =>
    withDirectory(async (mountpoint, options) => {
      writeFileSync(join(mountpoint, 'hidden'), '');
      const reports: Progress[] = [];
      const warnings: string[] = [];
      const served = await mount(source, mountpoint, {
        ...options,
        onProgress: (progress) => void reports.push(progress),
        onWarning: (text) => void warnings.push(text),
      });
      await served.close();
      const last = reports.at(-1);
      expect(last?.done).toBe(last?.total);
      expect(warnings).toEqual([expect.stringMatching(/not empty/)]);
    }));

  it('an aborted mount rejects with the reason', () =>
    withDirectory(async (mountpoint, options) => {
      const reason = new Error('enough');
      await expect(mount(source, mountpoint, { ...options, signal: AbortSignal.abort(reason) })).rejects.toBe(
        reason,
      );
      expect((await run('ls', [mountpoint])).stdout).toBe('');
    }));
});

describeWith([], 'indexImage', () => {
  it('reads each layer once, and again only to verify it', () =>
    withDirectory(async (_mountpoint, options) => {
      const first = await indexImage(source, options);
      expect(first.map(({ number, wasRead }) => [number, wasRead])).toEqual(
        first.map((_, i) => [i + 1, true]),
      );
      expect(first[0]?.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect((await indexImage(source, options)).some(({ wasRead }) => wasRead)).toBe(false);
      expect(
        (await indexImage(source, { ...options, verify: 'always' })).every(({ wasRead }) => wasRead),
      ).toBe(true);
    }));
});
