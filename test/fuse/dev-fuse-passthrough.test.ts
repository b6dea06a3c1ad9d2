// Passthrough on a real kernel: what is read and written without a request, and what would be EIO if the books erred.
import { expect, it } from 'vitest';
import type { FuseMount } from '../../src/fuse/driver.ts';
import { describeWith } from '../requirements.ts';
import { run, shell, withMount, withPause } from './mounted.ts';
import { WritableTestFileSystem } from './writable-file-system.ts';

const offering = (): WritableTestFileSystem =>
  Object.assign(new WritableTestFileSystem(), { offersBacking: true });

const python = async (script: string, ...args: string[]): Promise<string> =>
  (await run('python3', ['-c', script.replace(/^ {8}/gm, ''), ...args])).stdout;

const requests = (mount: FuseMount, name: string): number => mount.statistics().requests[name] ?? 0;

/** False where the kernel has no passthrough (older than 6.9, or built without): then only the fallback is tested. */
const passes = (mount: FuseMount): boolean => mount.statistics().passthroughOpens > 0;

describeWith(['fuse', 'root'], 'passthrough', () => {
  it('reads and writes without a request; sizes and times are right at once', async () => {
    await withMount(offering(), async (mountpoint, mount) => {
      const script = `
        cd "$1"; head -c 3000000 /dev/urandom > f; cp f g; cmp f g; printf x >> f; stat -c %s f
        truncate -s 10 g; stat -c %s g; printf abc > g; cat g; test g -nt f && echo newer`;
      expect(await shell(script, mountpoint)).toBe('3000001\n10\nabcnewer\n');
      if (!passes(mount)) return;
      expect([requests(mount, 'READ'), requests(mount, 'WRITE')]).toEqual([0, 0]);
      expect(mount.statistics()).toMatchObject({ bytesRead: 0, bytesWritten: 0 });
    });
  });

  /** Has a file open, then opens it once more for writing. */
  const holdAndWrite = `
import os, sys
path = sys.argv[1] + '/f'
first = os.open(path, os.O_RDONLY)
print('open', flush=True); sys.stdin.readline()
second = os.open(path, os.O_RDWR); os.write(second, b'new'); print(os.pread(first, 9, 0))`;

  it('keeps to the page cache while somebody has the file open through it', async () => {
    const fileSystem = new WritableTestFileSystem();
    await withMount(fileSystem, async (mountpoint, mount) => {
      await shell('printf old > "$1/f"', mountpoint);
      const shown = await withPause(holdAndWrite, mountpoint, () => (fileSystem.offersBacking = true));
      expect(shown).toBe("b'new'\n");
      expect(mount.statistics().passthroughOpens).toBe(0);
      expect(await shell('cat "$1/f"', mountpoint)).toBe('new');
    });
  });

  it('keeps to the backing file while somebody has the file open through it', async () => {
    const fileSystem = offering();
    await withMount(fileSystem, async (mountpoint, mount) => {
      await shell('printf old > "$1/f"', mountpoint);
      const shown = await withPause(holdAndWrite, mountpoint, () => (fileSystem.offersBacking = false));
      expect(shown).toBe("b'new'\n");
      if (passes(mount)) expect(requests(mount, 'WRITE')).toBe(0);
    });
  });

  it('shows the time of a write through a mapping, with the file open and closed', async () => {
    await withMount(offering(), async (mountpoint) => {
      const script = `
        import mmap, os, sys
        path = sys.argv[1] + '/f'
        with open(path, 'wb') as f: f.write(b'.' * 10000)
        for create in (False, True):
            if create: os.unlink(path)
            f = os.open(path, os.O_RDWR | os.O_CREAT); os.truncate(f, 10000)
            m = mmap.mmap(f, 0); os.utime(path, (1, 1))
            print(os.stat(path).st_mtime); m[5000:5003] = b'new'; m.flush(); print(os.stat(path).st_mtime > 1)
            os.utime(path, (1, 1)); m[5000:5003] = b'old'; m.flush(); m.close(); os.close(f)
            print(os.stat(path).st_mtime > 1, open(path, 'rb').read()[4999:5004])`;
      expect(await python(script, mountpoint)).toBe(
        "1.0\nTrue\nTrue b'.old.'\n1.0\nTrue\nTrue b'\\x00old\\x00'\n",
      );
    });
  });

  it('appends, unlinks, syncs, truncates and copies what is passed through', async () => {
    await withMount(offering(), async (mountpoint) => {
      const script = `
        import os, sys
        os.chdir(sys.argv[1])
        a = os.open('f', os.O_CREAT | os.O_WRONLY | os.O_APPEND); b = os.open('f', os.O_WRONLY | os.O_APPEND)
        os.write(a, b'1'); os.write(b, b'2'); os.write(a, b'3'); os.fsync(a); os.unlink('f')
        r = os.open(f'/proc/self/fd/{a}', os.O_RDWR); print(os.read(r, 9), os.fstat(a).st_nlink)
        os.ftruncate(r, 2); print(os.pread(r, 9, 0), os.fstat(a).st_size)
        g = os.open('g', os.O_CREAT | os.O_RDWR); print(os.copy_file_range(r, g, 9, 0, 0), os.pread(g, 9, 0))
        t = os.open('.', os.O_TMPFILE | os.O_RDWR); os.write(t, b'tmp'); print(os.pread(t, 9, 0))`;
      expect(await python(script, mountpoint)).toBe("b'123' 0\nb'12' 2\n2 b'12'\nb'tmp'\n");
    });
  });

  it('goes on without where it may not', async () => {
    await withMount(
      offering(),
      async (mountpoint, mount) => {
        expect(await shell('printf abc > "$1/f"; cat "$1/f"', mountpoint)).toBe('abc');
        expect(mount.statistics()).toMatchObject({ passthroughOpens: 0, bytesWritten: 3 });
      },
      { mayPassThrough: false },
    );
  });
});
