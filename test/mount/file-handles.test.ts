// name_to_handle_at(2): a mount answers as kernel overlayfs does.
import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { fixture, run, withWorkplace } from './stratafs.ts';

/** Asks for a handle of each path, and prints the errno. */
const ASK = `
import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
for path in sys.argv[1:]:
    handle = ctypes.create_string_buffer((128).to_bytes(4, sys.byteorder) + bytes(132))
    mount_id = ctypes.c_int()
    failed = libc.name_to_handle_at(-100, path.encode(), handle, ctypes.byref(mount_id), 0)
    print(errno.errorcode[ctypes.get_errno()] if failed else "a handle")
`;

describeWith(['root', 'fuse', { program: 'python3' }, { filesystem: 'overlay' }], 'name_to_handle_at', () => {
  // FUSE_NO_EXPORT_SUPPORT came with Linux 6.9.
  it('makes no handle, which a later mount would take for another file, as kernel overlayfs makes none', async () => {
    await withWorkplace(async (place) => {
      const { stdout, stderr } = await run(
        'sh',
        ['-euc', 'mkdir l u w k; mount -t overlay none k -o lowerdir=l,upperdir=u,workdir=w'],
        { cwd: place.directory },
      );
      expect({ stdout, stderr }).toEqual({ stdout: '', stderr: '' });
      writeFileSync(place.path('ask.py'), ASK);
      const ask = async (...paths: string[]): Promise<string[]> => {
        const answer = await run('python3', [place.path('ask.py'), ...paths]);
        return answer.stdout.trim().split('\n');
      };
      const [wanted] = await ask(place.path('k'));
      await place.mount(fixture('edge-cases.tar'), '--tmp');
      writeFileSync(`${place.mountpoint}/new`, '');
      expect(await ask(place.mountpoint, `${place.mountpoint}/new`)).toEqual([wanted, wanted]);
      await place.unmount();
      await place.mount(fixture('edge-cases.tar'));
      expect(await ask(place.mountpoint)).toEqual([wanted]);
      await place.unmount();
    });
  });
});
