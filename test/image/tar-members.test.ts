import { execFileSync } from 'node:child_process';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openImageSource } from '../../src/image/open-image.ts';
import { type TarMember, visitMembers } from '../../src/image/tar-members.ts';
import { FormatError } from '../../src/vfs/input-error.ts';
import { scratchDirectory, tarFile } from './scratch.ts';

async function list(path: string): Promise<TarMember[]> {
  const members: TarMember[] = [];
  await visitMembers('F', path, (member) => members.push(member) > 0);
  return members;
}

describe('the members of an outer tar', () => {
  test.each(['gnu', 'posix'])(
    'are those that GNU tar wrote in %s form, long names and all',
    async (format) => {
      const root = await scratchDirectory();
      const long = `${'d'.repeat(120)}/${'f'.repeat(200)}`;
      execFileSync('mkdir', ['-p', join(root, 'd'.repeat(120))]);
      await writeFile(join(root, long), 'long');
      await writeFile(join(root, 'short'), 'x'.repeat(1000));
      execFileSync('ln', [join(root, 'short'), join(root, 'hard')]);
      execFileSync('ln', ['-s', long, join(root, 'soft')]);
      const path = join(root, 'out.tar');
      execFileSync('tar', [
        '-cf',
        path,
        `--format=${format}`,
        '-C',
        root,
        './short',
        'hard',
        'soft',
        'd'.repeat(120),
      ]);
      const members = await list(path);
      expect(members.map(({ name, kind, target }) => [name, kind, target])).toEqual([
        ['short', 'file', ''],
        ['hard', 'hardlink', 'short'],
        ['soft', 'symlink', long],
        ['d'.repeat(120), 'directory', ''],
        [long, 'file', ''],
      ]);
      const bytes = await readFile(path);
      const { offset, length } = members[4] as TarMember;
      expect(bytes.toString('latin1', offset, offset + length)).toBe('long');
    },
  );

  test('have the size that a pax record says', async () => {
    const root = await scratchDirectory();
    const path = join(root, 'out.tar');
    await writeFile(join(root, 'a'), 'x'.repeat(600));
    await writeFile(join(root, 'b'), 'y');
    execFileSync('tar', [
      '-cf',
      path,
      '--format=posix',
      '--pax-option=comment:=1 size=9,size:=600',
      '-C',
      root,
      'a',
    ]);
    execFileSync('tar', ['-rf', path, '--format=ustar', '-C', root, 'b']);
    expect((await list(path)).map(({ name, length }) => [name, length])).toEqual([
      ['a', 600],
      ['b', 1],
    ]);
  });

  test('data lies after the sparse map of GNU tar, however many blocks it has', async () => {
    const root = await scratchDirectory();
    const path = join(root, 'out.tar');
    const script =
      'for n in $(seq 0 2 99); do dd if=/dev/zero of=sparse bs=4096 seek=$n count=1 conv=notrunc status=none; done; ' +
      'truncate -s 1M sparse; echo after >after; tar -c -f out.tar --sparse --format=gnu sparse after';
    execFileSync('sh', ['-ec', script], { cwd: root });
    const members = await list(path);
    expect(members.map(({ name, kind }) => [name, kind])).toEqual([
      ['sparse', 'file'],
      ['after', 'file'],
    ]);
    const { offset, length } = members[1] as TarMember;
    expect((await readFile(path)).toString('latin1', offset, offset + length)).toBe('after\n');
    expect(await openImageSource(path)).toMatchObject({ layers: [{ kind: 'blob' }] });
    // One header block, then 46 of its 50 pieces in three blocks of 21.
    await truncate(path, 512 + 512 + 100);
    await expect(list(path)).rejects.toThrow(
      'F: at byte 1024: found 100 bytes, expected a sparse map block of 512: it is truncated',
    );
  });

  test('end at the first zero block, or where the file does', async () => {
    const path = await tarFile([['a', 'x']]);
    await writeFile(path, Buffer.concat([await readFile(path), Buffer.from('junk')]));
    expect(await list(path)).toHaveLength(1);
    await truncate(path, 1024);
    expect(await list(path)).toHaveLength(1);
  });
});

describe('an outer tar that is malformed', () => {
  test('is truncated within a header or a member', async () => {
    const path = await tarFile([
      ['a', 'x'],
      ['b', 'y'.repeat(2000)],
    ]);
    await truncate(path, 2000);
    await expect(list(path)).rejects.toThrow(
      'F: at byte 1024: found a member of 2000 bytes, expected at most 464, where the file ends: it is truncated',
    );
    await truncate(path, 1100);
    await expect(list(path)).rejects.toThrow('F: at byte 1024: found 76 bytes, expected a tar header of 512');
  });

  test.each([
    ['text', 'hello'.repeat(200)],
    ['short text', 'hello'],
    ['noise', Buffer.alloc(1000, 7)],
  ])('a file that is %s is not a tar', async (_title, bytes) => {
    const path = join(await scratchDirectory(), 'x');
    await writeFile(path, bytes);
    await expect(list(path)).rejects.toBeInstanceOf(FormatError);
    await expect(openImageSource(path)).rejects.toThrow(
      `${path}: is not a tar archive, expected a saved image or a layer`,
    );
  });

  test('claims a name of a gigabyte', async () => {
    const path = await tarFile([['a', 'x']]);
    const bytes = await readFile(path);
    bytes[156] = 0x4c;
    bytes.write('10000000000\0', 124, 'latin1');
    bytes.fill(' ', 148, 156);
    const sum = bytes.subarray(0, 512).reduce((a, b) => a + b, 0);
    bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    await writeFile(path, bytes);
    await truncate(path, 2 ** 31);
    await expect(list(path)).rejects.toThrow(
      'F: at byte 0: found an extended header of 1073741824 bytes, expected at most 8388608',
    );
  });

  test('that is a root of many files is a layer: its end is not looked at', async () => {
    const members = Array.from({ length: 100 }, (_, i) => [`usr/${i}`, 'x'] as const);
    const path = await tarFile([...members, ['manifest.json', '[{"Layers":[]}]']]);
    expect(await openImageSource(path)).toMatchObject({ config: undefined, layers: [{ kind: 'blob' }] });
    await expect(openImageSource(`${path}:x`)).rejects.toThrow(
      `${path}: is a bare layer, which holds no image x`,
    );
  });
});
