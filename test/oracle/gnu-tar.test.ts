// Real files packed by GNU tar in its dialects: shown as the files themselves, and stacked as oracles stack them.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { type Snapshot, snapshotDirectory } from './snapshot.ts';
import { byKernel, byUmoci, ours, withScratch } from './stack.ts';

function withRealFiles(act: (base: string, top: string, scratch: string) => Promise<void>): Promise<void> {
  return withScratch(async (scratch) => {
    const script = fileURLToPath(new URL('real-files.sh', import.meta.url));
    execFileSync('sh', [script, scratch], { stdio: 'pipe' });
    await act(join(scratch, 'base'), join(scratch, 'top'), scratch);
  });
}

function pack(directory: string, ...options: string[]): Buffer {
  const args = ['-c', '-f', '-', '-C', directory, '--sort=name', ...options, '.'];
  return execFileSync('tar', args, { maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'pipe'] });
}

const allXattrs = ['--xattrs', '--xattrs-include=*'];

/** Values that a dialect can't store are left out: fractions of seconds and xattrs of GNU's own, holes of unsparse files. */
function without(snapshot: Snapshot, omit: readonly ('fractions' | 'xattrs' | 'holes')[]): Snapshot {
  return new Map(
    [...snapshot].map(([path, shown]) => {
      const seconds = String(Math.floor(Number(BigInt(shown.mtime) / 1_000_000n) / 1000));
      return [
        path,
        {
          ...shown,
          mtime: omit.includes('fractions') ? seconds : shown.mtime,
          xattrs: omit.includes('xattrs') ? {} : shown.xattrs,
          data: omit.includes('holes') ? [] : shown.data,
        },
      ];
    }),
  );
}

describeWith(
  ['root', ...['tar', 'python3', 'setcap', 'setfattr', 'setfacl'].map((program) => ({ program }))],
  'a layer packed by GNU tar',
  () => {
    it.each([
      ['pax', ['--format=pax', '--sparse', ...allXattrs], []],
      ['pax, sparse 0.1', ['--format=pax', '--sparse', '--sparse-version=0.1', ...allXattrs], []],
      ['pax, sparse 0.0', ['--format=pax', '--sparse', '--sparse-version=0.0', ...allXattrs], []],
      ['pax, not sparse', ['--format=pax', ...allXattrs], ['holes']],
      ['gnu', ['--format=gnu', '--sparse'], ['fractions', 'xattrs']],
    ] as const)('%s: is shown as the files that were packed', async (_, options, omit) => {
      await withRealFiles(async (base) => {
        const shown = await ours([pack(base, ...options)]);
        expect(without(shown, omit)).toEqual(without(snapshotDirectory(base), omit));
      });
    });

    it('POSIX ACLs are shown as the kernel stores them', async () => {
      await withRealFiles(async (base) => {
        execFileSync('setfacl', ['-m', 'u:1000:rw,g:5:r', join(base, 'etc/config')]);
        execFileSync('setfacl', ['-d', '-m', 'u:1000:rwx', join(base, 'kept')]);
        const shown = await ours([pack(base, '--format=pax', '--sparse', '--acls', ...allXattrs)]);
        expect(shown).toEqual(snapshotDirectory(base));
        expect(Object.keys(shown.get('kept')?.xattrs ?? {})).toContain('system.posix_acl_default');
      });
    });
  },
);

describeWith(
  ['root', ...['tar', 'python3', 'setcap', 'setfattr', 'umoci'].map((program) => ({ program }))],
  'two layers packed by GNU tar',
  () => {
    const options = ['--format=pax', ...allXattrs];

    it('are shown as umoci unpacks them', async () => {
      await withRealFiles(async (base, top) => {
        const tars = [pack(base, ...options), pack(top, ...options)];
        const unpacked = (await byUmoci(tars)) ?? expect.fail('umoci refused');
        expect(without(await ours(tars), ['holes'])).toEqual(without(unpacked, ['holes']));
      });
    });

    it('are shown as kernel overlayfs merges them', async () => {
      await withRealFiles(async (base, top) => {
        const tars = [pack(base, '--sparse', ...options), pack(top, ...options)];
        expect(await ours(tars)).toEqual(await byKernel(tars));
      });
    });
  },
);
