// Writes through the default driver on a real kernel, to a file system of the tests: the protocol alone. Each script
// runs twice: with answers in place, and with every change answered later.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { requestsOfQuietRun, run, shell, withMount } from './mounted.ts';
import { WritableTestFileSystem } from './writable-file-system.ts';

const inPlace = (): WritableTestFileSystem => new WritableTestFileSystem();
const later = (): WritableTestFileSystem => {
  const fileSystem = new WritableTestFileSystem();
  fileSystem.later = async (result) => {
    await nextTurn();
    return result();
  };
  return fileSystem;
};

const perl = async (script: string, ...args: string[]): Promise<string> =>
  (await run('perl', ['-MFcntl=:DEFAULT,:mode', '-e', script, ...args])).stdout;

describeWith(['fuse'], 'a writable mount', () => {
  const both: [string, () => WritableTestFileSystem][] = [
    ['answered in place', inPlace],
    ['answered later', later],
  ];

  it.each(both)('creates, writes, reads, appends and truncates: %s', async (_title, make) => {
    await withMount(make(), async (mountpoint, mount) => {
      const script = `
        cd "$1"; printf hello > f; cat f; printf ' there' >> f; cat f
        stat -c ' %s %a %h' f; truncate -s 3 f; cat f; printf x > f; cat f; stat -c ' %s' f
        head -c 3000000 /dev/urandom > big; cp big copy; cmp big copy; stat -c '%s' copy
        printf y | dd of=copy bs=1 seek=2999999 conv=notrunc status=none; cmp big copy | wc -l`;
      expect(await shell(script, mountpoint)).toBe('hellohello there 11 644 1\nhelx 1\n3000000\n1\n');
      expect(mount.statistics().bytesWritten).toBeGreaterThan(3_000_000);
      expect(mount.statistics().requests['FLUSH']).toBeUndefined();
    });
  });

  it.each(both)('makes, links, renames and removes names: %s', async (_title, make) => {
    await withMount(make(), async (mountpoint) => {
      const script = `
        cd "$1"; mkdir -p a/b; ln -s ../there a/sym; readlink a/sym; echo 1 > a/f; ln a/f a/g
        stat -c '%h %i' a/f a/g | sort -u | wc -l; rm a/f; stat -c '%h' a/g
        mv a/g a/b/h; ls -A a a/b; mkfifo p; stat -c '%F %a' p; echo 2 > i; mv -n i a/b/h; cat a/b/h
        mv i a/b/h; cat a/b/h; rmdir a 2>&1 | sed 's/.*: //'; rm -r a; ls -A`;
      expect(await shell(script, mountpoint)).toBe(
        `../there\n1\n1\na:\nb\nsym\n\na/b:\nh\nfifo 644\n1\n2\nDirectory not empty\np\n`,
      );
    });
  });

  it.each(both)('exchanges two names, and replaces none with NOREPLACE: %s', async (_title, make) => {
    await withMount(make(), async (mountpoint) => {
      const script = `
        chdir shift; for (qw(a b)) { open F, '>', $_; print F $_; close F }
        # SYS_renameat2
        my $rename = sub { syscall(316, -100, my $x = $_[0], -100, my $y = $_[1], $_[2]) == 0 ? 'done' : $!+0 };
        print join ' ', $rename->('a', 'b', 2), (map { open F, $_; <F> } qw(a b)), $rename->('a', 'b', 1),
          $rename->('a', 'c', 1), $rename->('c', 'd', 4);`;
      expect(await perl(script, mountpoint)).toBe('done b a 17 done 22');
    });
  });

  it.each(both)('changes attributes: %s', async (_title, make) => {
    await withMount(make(), async (mountpoint) => {
      const script = `
        cd "$1"; umask 027; touch f; stat -c '%a' f; chmod 4711 f; stat -c '%a' f; chown 12:34 f
        stat -c '%u:%g' f; touch -d '1969-12-31 23:59:58.5 UTC' f; TZ=UTC stat -c '%y' f; touch f
        test "$(stat -c %Y f)" -gt 1700000000 && stat -c %W f`;
      expect(await shell(script, mountpoint)).toBe(
        '640\n4711\n12:34\n1969-12-31 23:59:58.500000000 +0000\n1000000000\n',
      );
    });
  });

  it.each(both)('sets, replaces, lists and removes xattrs: %s', async (_title, make) => {
    await withMount(make(), async (mountpoint) => {
      const script = `
        import os, sys, errno
        os.chdir(sys.argv[1]); open('f', 'w').close()
        os.setxattr('f', 'user.a', b'\\0\\xff'); os.setxattr('f', 'user.b', b'', os.XATTR_CREATE)
        print(os.listxattr('f'), os.getxattr('f', 'user.a'))
        for flags, name in ((os.XATTR_CREATE, 'user.a'), (os.XATTR_REPLACE, 'user.c')):
            try: os.setxattr('f', name, b'x', flags)
            except OSError as e: print(errno.errorcode[e.errno])
        os.removexattr('f', 'user.a'); print(os.listxattr('f'))
        os.setxattr('f', 'user.big', b'x' * 65536); print(len(os.getxattr('f', 'user.big')))`;
      const text = script.replace(/^ {8}/gm, '');
      expect((await run('python3', ['-c', text, mountpoint])).stdout).toBe(
        "['user.a', 'user.b'] b'\\x00\\xff'\nEEXIST\nENODATA\n['user.b']\n65536\n",
      );
    });
  });

  it.each(both)('opens unnamed files, and gives them names: %s', async (_title, make) => {
    await withMount(make(), async (mountpoint) => {
      const script = `
        my $dir = shift; sysopen(my $f, $dir, O_RDWR | 020200000, 0600) or die "$!";
        syswrite $f, 'unnamed'; print +(stat $f)[3], ' ', -e "$dir/g" ? 1 : 0;
        # SYS_linkat with AT_SYMLINK_FOLLOW
        syscall(265, -100, "/proc/self/fd/" . fileno($f), -100, "$dir/g", 0x400) == 0 or die "$!";
        open G, "$dir/g"; print ' ', <G>, ' ', (stat $f)[3];`;
      expect(await perl(script, mountpoint)).toBe('0 0 unnamed 1');
    });
  });

  it('goes on serving a file that is unlinked while open', async () => {
    await withMount(inPlace(), async (mountpoint) => {
      const script = `
        chdir shift; open F, '+>', 'f'; syswrite F, 'abc'; unlink 'f'; syswrite F, 'def';
        sysseek F, 0, 0; sysread F, my $text, 9; print "$text ", (stat F)[3], ' ', -e 'f' ? 1 : 0;`;
      expect(await perl(script, mountpoint)).toBe('abcdef 0 0');
    });
  });

  it('sees what is written through a shared mapping', async () => {
    await withMount(inPlace(), async (mountpoint) => {
      const script = `
        import mmap, os, sys
        path = sys.argv[1] + '/f'
        with open(path, 'wb') as f: f.write(b'.' * 10000)
        with open(path, 'r+b') as f, mmap.mmap(f.fileno(), 0) as m: m[5000:5003] = b'new'
        with open(path, 'rb') as f: print(f.read()[4999:5004])`;
      const text = script.replace(/^ {8}/gm, '');
      expect((await run('python3', ['-c', text, mountpoint])).stdout).toBe("b'.new.'\n");
    });
  });

  it('syncs files and directories, and says what it lacks', async () => {
    await withMount(inPlace(), async (mountpoint, mount) => {
      const script = `
        import ctypes, errno, fcntl, os, struct, sys
        os.chdir(sys.argv[1]); f = os.open('f', os.O_CREAT | os.O_RDWR)
        os.write(f, b'x' * 9000); os.fsync(f); os.fdatasync(f); d = os.open('.', os.O_RDONLY); os.fsync(d)
        try: os.posix_fallocate(f, 0, 20000); print(os.fstat(f).st_size)
        except OSError as e: print(errno.errorcode[e.errno])
        g = os.open('g', os.O_CREAT | os.O_RDWR); print(os.copy_file_range(f, g, 9000), os.stat('g').st_size)
        fcntl.ioctl(f, 0x40086602, struct.pack('i', 0x40)); print(struct.unpack('i', fcntl.ioctl(f, 0x80086601, b'1234')))
        try: fcntl.ioctl(f, 0x1234)
        except OSError as e: print(errno.errorcode[e.errno])
        print(os.lseek(f, 0, os.SEEK_HOLE))`;
      const text = script.replace(/^ {8}/gm, '');
      expect((await run('python3', ['-c', text, mountpoint])).stdout).toBe(
        '20000\n9000 9000\n(64,)\nENOTTY\n20000\n',
      );
      expect(mount.statistics().requests).toMatchObject({ FSYNC: 2, FSYNCDIR: 1, FALLOCATE: 1 });
    });
  });

  it('walks a tree that it knows without a request, after each directory was asked for once', async () => {
    await withMount(inPlace(), async (mountpoint, mount) => {
      await shell('cd "$1" && for i in 1 2 3 4 5; do mkdir $i && touch $i/a $i/b; done', mountpoint);
      const walk = 'find "$1" -ls | wc -l';
      await shell(walk, mountpoint);
      await shell(walk, mountpoint);
      const requests = await requestsOfQuietRun(mount, async () => {
        expect((await shell(walk, mountpoint)).trim()).toBe('16');
      });
      expect(requests).toEqual({});
    });
  });

  it('leaves nothing open or looked up behind', async () => {
    const fileSystem = later();
    await withMount(fileSystem, async (mountpoint) => {
      await shell('cd "$1" && mkdir d && for i in 1 2 3; do echo $i > d/$i; done && cat d/*', mountpoint);
      await shell('cd "$1" && exec 3<>d/1 && rm -r d && cat <&3', mountpoint);
    });
    expect([...fileSystem.nodes.values()].map(({ opens }) => opens)).toEqual([0, 0, 0, 0, 0]);
  });
});

describeWith(['fuse', 'root'], 'a writable mount for several users', () => {
  it.each([
    ['a write', '>>'],
    ['a truncating open', '>'],
  ])('runs nobody a set-user-ID program that nobody has changed by %s', async (_title, mode) => {
    await withMount(
      inPlace(),
      async (mountpoint) => {
        await shell(
          'cp "$(command -v id)" "$1/id" && chmod 4777 "$1/id" && cp "$1/id" "$1/good"',
          mountpoint,
        );
        const script = `
          my ($dir, $mode) = @ARGV; open G, "$dir/good"; binmode G; my $bytes = join '', <G>;
          $) = '65534 65534'; ($<, $>) = (65534, 65534);
          print \`$dir/id -u\`;
          open F, $mode, "$dir/id" or die "$!"; binmode F; print F $mode eq '>' ? $bytes : 'x'; close F;
          print \`$dir/id -u\`;`;
        expect(await perl(script, mountpoint, mode)).toBe('0\n65534\n');
      },
      { allowOther: true },
    );
  });
});
