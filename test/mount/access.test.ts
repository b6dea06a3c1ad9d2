// What a process may do in a mount: the kernel enforces what the image says, for root and for others.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { fixture, type Outcome, run, type Workplace, withMounted, withWorkplace } from './stratafs.ts';

/** Files of root's that others may use by more than their mode, packed as `layer.tar`. */
const makeLayer = `
  mkdir layer && cd layer
  chmod 755 .
  cp "$(command -v id)" "$(command -v grep)" .
  cp id id-of-root && chmod 4755 id-of-root
  cp grep grep-with-capability && setcap cap_net_raw+ep grep-with-capability
  for file in open owner-only granted denied masked; do echo "$file" >$file; done
  chmod 644 open denied && chmod 600 owner-only granted masked
  setfacl -m u:65534:r granted
  setfacl -m u:65534:- denied
  setfacl -m u:65534:rwx,m::- masked
  mkdir -m 700 closed reachable && echo inner >closed/inner && echo inner >reachable/inner
  setfacl -m u:65534:x -d -m u:65534:rwx,g:50:rx reachable
  chmod 644 closed/inner reachable/inner
  mknod -m 666 null c 1 3 && mknod -m 666 zero c 1 5 && mkfifo -m 666 fifo
  mknod -m 600 zero-of-root c 1 5
  tar -c -f ../layer.tar --format=pax --xattrs --acls .`;

function withLayer(options: readonly string[], act: (place: Workplace) => Promise<void>): Promise<void> {
  return withWorkplace(async (place) => {
    execFileSync('sh', ['-ec', makeLayer], { cwd: place.directory, stdio: 'pipe' });
    execFileSync('chmod', ['755', place.directory]);
    await place.mount('layer.tar', ...options);
    await act(place);
    await place.unmount();
  });
}

/** Runs a shell script in the mount's root. */
function inMount(place: Workplace, script: string): Promise<Outcome> {
  return run('sh', ['-c', script], { cwd: place.mountpoint });
}

/** The same as user and group 65534, who own nothing there. */
function asOther(place: Workplace, script: string): Promise<Outcome> {
  const user = ['--reuid', '65534', '--regid', '65534', '--clear-groups', '--bounding-set', '+all'];
  return run('setpriv', [...user, 'sh', '-c', script], { cwd: place.mountpoint });
}

const success = (stdout: string): Outcome => ({ status: 0, stdout, stderr: '' });
const programs = ['setpriv', 'setcap', 'getcap', 'setfacl', 'getfacl', 'tar'].map((program) => ({ program }));

describeWith(['fuse', 'root', ...programs], 'a mount of root', () => {
  it('lets another user do what modes and ACLs allow, and no more', () =>
    withLayer(['-o', 'allow_other'], async (place) => {
      const script =
        'for file in open owner-only granted denied masked closed/inner reachable/inner; do cat $file 2>&1; done';
      expect((await asOther(place, script)).stdout.split('\n')).toEqual([
        'open',
        'cat: owner-only: Permission denied',
        'granted',
        'cat: denied: Permission denied',
        'cat: masked: Permission denied',
        'cat: closed/inner: Permission denied',
        'inner',
        '',
      ]);
      expect(await asOther(place, 'ls reachable')).toMatchObject({ status: 2, stdout: '' });
      expect(await inMount(place, 'cat owner-only masked closed/inner')).toEqual(
        success('owner-only\nmasked\ninner\n'),
      );
    }));

  it('with noacl lets another user do what modes alone allow', () =>
    withLayer(['-o', 'allow_other,noacl'], async (place) => {
      const script = 'for file in granted denied reachable/inner; do cat $file 2>&1; done';
      expect((await asOther(place, script)).stdout.split('\n')).toEqual([
        'cat: granted: Permission denied',
        'denied',
        'cat: reachable/inner: Permission denied',
        '',
      ]);
    }));

  it('shows getfacl and getcap what the packed files show', () =>
    withLayer([], async (place) => {
      for (const script of ['getfacl -R -n .', 'getcap -r .']) {
        const packed = await run('sh', ['-c', script], { cwd: place.path('layer') });
        const lines = (text: string): string[] =>
          text.split(script.startsWith('getcap') ? '\n' : '\n\n').sort();
        const shown = await inMount(place, script);
        expect(packed.stdout).toMatch(/user:65534:|cap_net_raw/);
        expect(lines(shown.stdout)).toEqual(lines(packed.stdout));
      }
    }));

  it('executes set-user-ID programs and file capabilities with suid', () =>
    withLayer(['-o', 'suid'], async (place) => {
      expect(await asOther(place, './id -u; ./id-of-root -u')).toEqual(success('65534\n0\n'));
      const effective = await asOther(
        place,
        'for g in ./grep ./grep-with-capability; do $g CapEff /proc/self/status; done',
      );
      expect(effective).toEqual(success('CapEff:\t0000000000000000\nCapEff:\t0000000000002000\n'));
    }));

  it('executes neither and opens no device unless it is asked for, and nothing with noexec', () =>
    withLayer([], async (place) => {
      const script = './id-of-root -u; ./grep-with-capability CapEff /proc/self/status; cat null';
      expect(await asOther(place, script)).toEqual({
        status: 1,
        stdout: '65534\nCapEff:\t0000000000000000\n',
        stderr: 'cat: null: Permission denied\n',
      });
      await place.unmount();
      await place.mount('layer.tar', '-o', 'noexec');
      expect(await inMount(place, './id -u')).toMatchObject({ status: 126, stdout: '' });
    }));

  it('opens fifos, and devices with dev, for writing too', () =>
    withLayer(['-o', 'dev'], async (place) => {
      expect(await inMount(place, 'echo gone >null; cat null; head -c 3 zero | od -An -tx1')).toEqual(
        success(' 00 00 00\n'),
      );
      expect(await inMount(place, 'echo through >fifo & cat fifo; wait')).toEqual(success('through\n'));
      expect(await asOther(place, 'cat zero-of-root')).toEqual({
        status: 1,
        stdout: '',
        stderr: 'cat: zero-of-root: Permission denied\n',
      });
    }));

  it('refuses every change with EROFS, and keeps no time of a reader', () =>
    withLayer([], async (place) => {
      const changes = [
        ...[
          'echo x >open',
          'echo x >new',
          'mkdir new',
          'rm open',
          'rmdir closed',
          'mv open new',
          'ln open new',
        ],
        ...[
          'ln -s open new',
          'chmod 600 open',
          'chown 1 open',
          'touch open',
          'setfacl -b granted',
          'mkfifo new',
        ],
      ];
      for (const change of changes) {
        const { status, stderr } = await inMount(place, `${change} && exit 0; exit 1`);
        expect({ change, status, stderr }).toEqual({
          change,
          status: 1,
          stderr: expect.stringContaining('Read-only file system') as string,
        });
      }
      expect(
        await inMount(place, 'a=$(stat -c %X open); cat open >/dev/null; test $a = $(stat -c %X open)'),
      ).toEqual(success(''));
    }));

  it('runs a shell of expressweb in a chroot', () =>
    withMounted(fixture('expressweb.tar'), async ({ mountpoint }) => {
      // klibc's shell and cat are all that the image has.
      const script = 'cd /usr/src/app && pwd && cat package.json; readlink /bin; echo $0';
      const manifest = readFileSync(fixture('expressweb/package.json'), 'utf8');
      expect(await run('chroot', [mountpoint, '/bin/sh', '-c', script])).toEqual(
        success(`/usr/src/app\n${manifest}usr/bin\n/bin/sh\n`),
      );
    }));
});
