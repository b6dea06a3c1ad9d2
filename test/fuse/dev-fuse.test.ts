// The default driver on a real kernel. The mount is served by this process: only child processes touch it.
import { spawn } from 'node:child_process';
import { openSync, closeSync, readFileSync, writeFileSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { mountDevFuse } from '../../src/fuse/dev-fuse.ts';
import { MAX_TRANSFER } from '../../src/fuse/wire/protocol.ts';
import { FileRange } from '../../src/vfs/blob-reader.ts';
import { describeWith } from '../requirements.ts';
import { requestsOfQuietRun, run, shell, withMount } from './mounted.ts';
import { SyntheticFileSystem } from './synthetic-file-system.ts';

describeWith(['fuse'], 'mountDevFuse', () => {
  it('shows the tree, and answers a second walk without a request', async () => {
    await withMount(new SyntheticFileSystem(20, 50), async (mountpoint, mount) => {
      const walk = 'find "$1" -ls | wc -l';
      expect((await shell(walk, mountpoint)).trim()).toBe('1021');
      const requests = await requestsOfQuietRun(mount, async () => {
        expect((await shell(walk, mountpoint)).trim()).toBe('1021');
      });
      expect(requests).toEqual({});
      expect(mount.statistics().requests['OPENDIR']).toBe(1);
    });
  });

  it('asks for a missing name once', async () => {
    await withMount(new SyntheticFileSystem(1, 1), async (mountpoint, mount) => {
      const ask = (): Promise<string> => shell('test -e "$1/none" && exit 1; true', mountpoint);
      await ask();
      expect(mount.statistics().requests['LOOKUP']).toBe(1);
      expect(await requestsOfQuietRun(mount, ask)).toEqual({});
    });
  });

  it('is listed as fuse.stratafs with its source, read-only', async () => {
    await withMount(new SyntheticFileSystem(1, 1), async (mountpoint) => {
      const entry = readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .find((line) => line.includes(` ${mountpoint} `));
      expect(entry).toMatch(/ ro[, ].* - fuse\.stratafs synthetic ro,/);
      await expect(shell('touch "$1/new"', mountpoint)).rejects.toThrow(/Read-only file system/);
    });
  });

  it('lists 100,000 entries, each once, and goes on where telldir was', async () => {
    await withMount(new SyntheticFileSystem(1, 100_000), async (mountpoint) => {
      const seen = await shell('ls -fU "$1/d0" | sort -u | wc -l', mountpoint);
      expect(seen.trim()).toBe('100002');
      const script = `
        opendir(D, $ARGV[0]) or die; my ($at, $next);
        for (1 .. 50_000) { readdir D }
        $at = telldir D; $next = readdir D;
        readdir D for 1 .. 1000;
        seekdir D, $at; print readdir(D) eq $next ? "same" : "other";
        rewinddir D; my $count = () = readdir D; print " $count";`;
      expect((await run('perl', ['-e', script, join(mountpoint, 'd0')])).stdout).toBe('same 100002');
    });
  });

  it('moves file ranges to the reader, and answers EIO where the file is too short', async () => {
    const path = join(tmpdir(), `stratafs-range-${process.pid}`);
    const bytes = Buffer.alloc(3_000_000, 'abcdefg');
    writeFileSync(path, bytes);
    const fd = openSync(path, 'r');
    try {
      const fileSystem = new SyntheticFileSystem(1, 2);
      fileSystem.content = (node) => (node === 3 ? bytes : Buffer.alloc(4_000_000));
      fileSystem.onRead = (node, offset, length) =>
        new FileRange(fd, offset, Math.min(length, (node === 3 ? 3_000_000 : 4_000_000) - offset));
      await withMount(fileSystem, async (mountpoint, mount) => {
        await shell('cmp "$1/d0/f0" "$2"', mountpoint, path);
        await expect(shell('cat "$1/d0/f1" >/dev/null', mountpoint)).rejects.toThrow(/Input\/output error/);
        expect(mount.statistics().bytesRead).toBeGreaterThan(3_000_000);
      });
    } finally {
      closeSync(fd);
      unlinkSync(path);
    }
  });

  it.each([
    ['through the page cache', []],
    ['directly: the kernel interrupts the request', ['iflag=direct']],
  ])('lets a reader go away while its answer is due, reading %s', async (_title, flags) => {
    const fileSystem = new SyntheticFileSystem(1, 1);
    let release: (bytes: Uint8Array) => void = () => undefined;
    const requested = new Promise<void>((resolve) => {
      fileSystem.onRead = () =>
        new Promise((settle) => {
          release = settle;
          resolve();
        });
    });
    await withMount(fileSystem, async (mountpoint, mount) => {
      const reader = spawn('dd', [`if=${mountpoint}/d0/f0`, ...flags], { stdio: 'ignore' });
      const gone = new Promise((resolve) => reader.on('exit', resolve));
      await requested;
      reader.kill('SIGKILL');
      await gone;
      release(Buffer.from('file 3\n'));
      expect(mount.statistics().requests['INTERRUPT'] ?? 0).toBe(flags.length);
      fileSystem.onRead = () => Buffer.from('file 3\n');
      expect(await shell('cat "$1/d0/f0"', mountpoint)).toBe('file 3\n');
    });
  });

  it('ends cleanly when somebody else unmounts it', async () => {
    const fileSystem = new SyntheticFileSystem(1, 1);
    await withMount(fileSystem, async (mountpoint, mount) => {
      await shell('umount "$1" 2>/dev/null || fusermount3 -u "$1"', mountpoint);
      await mount.closed;
      expect(fileSystem.closeCount).toBe(1);
    });
  });

  it('stays when it is busy, and goes when it no longer is', async () => {
    await withMount(new SyntheticFileSystem(1, 1), async (mountpoint, mount) => {
      const user = spawn('sh', ['-c', 'cd "$1" && echo in && read line', 'sh', join(mountpoint, 'd0')]);
      await new Promise((resolve) => user.stdout.once('data', resolve));
      await expect(mount.unmount()).rejects.toMatchObject({ code: 'EBUSY' });
      expect(await shell('cat "$1/d0/f0"', mountpoint)).toBe('file 3\n');
      const gone = new Promise((resolve) => user.on('exit', resolve));
      user.stdin.end('\n');
      await gone;
      await mount.unmount();
    });
  });

  it('lazily detached goes on serving what is open', async () => {
    await withMount(new SyntheticFileSystem(1, 1), async (mountpoint, mount) => {
      const user = spawn('sh', [
        '-c',
        'cd "$1" && echo in && read line && cat f0',
        'sh',
        join(mountpoint, 'd0'),
      ]);
      let output = '';
      const entered = new Promise<void>((resolve) => {
        user.stdout.on('data', (chunk: Buffer) => {
          output += chunk.toString();
          resolve();
        });
      });
      await entered;
      await mount.unmount({ lazy: true });
      const gone = new Promise((resolve) => user.on('close', resolve));
      user.stdin.end('\n');
      await gone;
      expect(output).toBe('in\nfile 3\n');
      await mount.closed;
    });
  });

  it('refuses a missing mount point by name', async () => {
    const fileSystem = new SyntheticFileSystem(1, 1);
    const options = { source: 'synthetic', flags: 0, allowOther: false };
    await expect(mountDevFuse(fileSystem, '/nonexistent/stratafs', options)).rejects.toThrow(
      /^\/nonexistent\/stratafs: /,
    );
  });
});

describeWith(['fuse', 'root'], 'mountDevFuse as root', () => {
  it('asks for ACLs once: a second ls -l sends no request a file', async () => {
    await withMount(new SyntheticFileSystem(1, 20), async (mountpoint, mount) => {
      const list = (): Promise<string> => shell('ls -lR "$1"', mountpoint);
      await list();
      // ls asks for SELinux labels until the reply says that there are none, at most once a directory.
      const requests = Object.values(await requestsOfQuietRun(mount, list, 4));
      expect(requests.reduce((sum, count) => sum + count, 0)).toBeLessThan(5);
    });
  });

  it('reads a file sequentially by requests of 254 pages', async () => {
    const fileSystem = new SyntheticFileSystem(1, 1);
    const content = Buffer.alloc(8 << 20, 'abcdefg');
    fileSystem.content = () => content;
    let largest = 0;
    fileSystem.onRead = (_node, offset, length) => {
      largest = Math.max(largest, length);
      return content.subarray(offset, offset + length);
    };
    await withMount(fileSystem, async (mountpoint) => {
      await shell('cat "$1/d0/f0" >/dev/null', mountpoint);
      expect(largest).toBe(MAX_TRANSFER);
    });
  });

  it('closes when the connection is aborted', async () => {
    await withMount(new SyntheticFileSystem(1, 1), async (mountpoint, mount) => {
      const user = spawn('sh', ['-c', 'cd "$1" && echo in && read line', 'sh', join(mountpoint, 'd0')]);
      await new Promise((resolve) => user.stdout.once('data', resolve));
      const gone = new Promise((resolve) => user.on('exit', resolve));
      // Forced on a busy mount, umount aborts the connection and leaves the mount: the daemon sees it.
      await shell('umount -f "$1" 2>/dev/null || true', mountpoint);
      await mount.closed;
      user.stdin.end('\n');
      await gone;
      await shell('umount "$1"', mountpoint);
    });
  });
});
