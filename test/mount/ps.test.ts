// stratafs ps: lists mounts as `docker ps -s` lists containers with the same changes.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { dockerAnswers } from '../inspect/docker-oracle.ts';
import { describeWith } from '../requirements.ts';
import { install, NOBODY } from './other-users.ts';
import { type Outcome, type Workplace, fixture, run, withWorkplace } from './stratafs.ts';

const IMAGE = fixture('expressweb.tar');

interface Container {
  readonly image: string;
  readonly imageId?: string;
  readonly status: string;
  readonly mountPoint: string;
  readonly size?: number;
  readonly virtualSize?: number;
}

/** The entry of this mount in `stratafs ps -s`, which may list others too. */
async function psOf(place: Workplace): Promise<Container | undefined> {
  const { stdout } = await place.stratafs(['ps', '-s', '--json']);
  return (JSON.parse(stdout) as Container[]).find(({ mountPoint }) => mountPoint === place.mountpoint);
}

/** The line of this mount. */
function lineOf(place: Workplace, { stdout }: Pick<Outcome, 'stdout'>): string | undefined {
  return stdout.split('\n').find((line) => line.includes(place.mountpoint));
}

/** Runs `body` with an image mounted over the upper `u`. */
function withUpper(
  image: string,
  body: (place: Workplace) => Promise<void>,
  ...options: string[]
): Promise<void> {
  return withWorkplace(async (place) => {
    mkdirSync(place.path('u'));
    await place.mount(image, '--upper', 'u', ...options);
    await body(place);
    await place.unmount();
  });
}

describeWith(['fuse'], 'stratafs ps', () => {
  it.each([[[]], [['-o', 'redirect_dir=off']], [['-o', 'userxattr']]])(
    'shows the sizes that docker shows of a container, mounted with %j',
    (options) =>
      withUpper(
        IMAGE,
        async (place) => {
          expect(await psOf(place)).toMatchObject({ size: 0, virtualSize: 318736 });
          execFileSync(fixture('make/changes.sh'), { cwd: place.mountpoint, stdio: 'pipe' });
          const { SizeRw, SizeRootFs } = dockerAnswers().ps['changes.sh'] ?? {};
          expect(await psOf(place)).toMatchObject({ size: SizeRw, virtualSize: SizeRootFs });
          const line = lineOf(place, await place.stratafs(['ps', '-s']));
          expect(line).toMatch(
            /^expressweb:latest +c3c74c4ba3f5 .* ago +Up .* \d+ {2}509B \(virtual 319kB\)$/,
          );
        },
        ...options,
      ),
  );

  it('counts a file once, even if it was moved several times or has several links', () =>
    withUpper(IMAGE, async (place) => {
      renameSync(place.path('mnt/usr/src'), place.path('mnt/once'));
      renameSync(place.path('mnt/once'), place.path('mnt/usr/twice'));
      const { size: moved = 0 } = (await psOf(place)) ?? {};
      const files = execFileSync(
        'find',
        ['usr/twice', '-type', 'f', '-printf', '%s\n', '-o', '-type', 'l', '-printf', '%s\n'],
        {
          cwd: place.mountpoint,
          encoding: 'utf8',
        },
      );
      expect(moved).toBe(files.split('\n').reduce((sum, size) => sum + Number(size), 0));
      execFileSync('truncate', ['-s', '1M', 'a'], { cwd: place.mountpoint });
      execFileSync('ln', ['a', 'b'], { cwd: place.mountpoint });
      rmSync(place.path('mnt/etc'), { recursive: true });
      expect((await psOf(place))?.size).toBe(moved + 2 ** 20);
    }));

  it('is right while a program writes', () =>
    withUpper(IMAGE, async (place) => {
      const script = [
        'import sys',
        'f = open(sys.argv[1], "wb", buffering=0)',
        'total = 0',
        'while True:',
        '    total += f.write(b"x" * 4096)',
        '    sys.stdout.write(f"{total}\\n")',
      ].join('\n');
      const writer = spawn('python3', ['-uc', script, place.path('mnt/growing')], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let written = 0;
      const firstWrite = new Promise<void>((resolve) => {
        writer.stdout.setEncoding('utf8').on('data', (text: string) => {
          written = Number(text.trimEnd().split('\n').at(-1)) || written;
          resolve();
        });
      });
      await firstWrite;
      const before = written;
      const size = (await psOf(place))?.size ?? 0;
      const ended = once(writer, 'close');
      writer.kill('SIGKILL');
      await ended;
      expect(size).toBeGreaterThanOrEqual(before);
      expect(size).toBeLessThanOrEqual(written + 4096);
      expect((await psOf(place))?.size).toBeGreaterThanOrEqual(written);
    }));

  it('marks a mount that does not answer, and one whose daemon has ended', () =>
    withWorkplace(async (place) => {
      await place.mount(IMAGE, '--tmp');
      const pid = (await place.listed())?.pid ?? 0;
      process.kill(pid, 'SIGSTOP');
      const silent = await place.stratafs(['ps', '-s']);
      expect(lineOf(place, silent)).toMatch(/expressweb\.tar +N\/A +No answer +\S+ +N\/A$/);
      process.kill(pid, 'SIGKILL');
      await expect.poll(async () => (await psOf(place))?.status).toBe('Dead');
      await place.unmount();
    }));

  it('shows the size if the archive has been removed, unless a moved directory must be looked up in it', () =>
    withWorkplace(async (place) => {
      copyFileSync(IMAGE, place.path('app.tar'));
      mkdirSync(place.path('u'));
      await place.mount('app.tar', '--upper', 'u');
      rmSync(place.path('app.tar'));
      writeFileSync(place.path('mnt/new'), '12345');
      expect(await psOf(place)).toMatchObject({ size: 5, virtualSize: 318741 });
      renameSync(place.path('mnt/usr/src'), place.path('mnt/moved'));
      const { status, stdout, stderr } = await place.stratafs([
        'ps',
        '-s',
        '--format',
        'table {{.MountPoint}}\t{{.Size}}',
      ]);
      expect(lineOf(place, { stdout })).toMatch(/mnt +N\/A$/);
      expect(status).toBe(1);
      expect(stderr).toContain(
        `stratafs: warning: ${place.mountpoint}: its image can't be opened again: ${place.path('app.tar')}: no such file or directory\n`,
      );
      await place.unmount();
    }));

  it('-q prints mount points, --no-trunc whole IDs, and --format what it says', () =>
    withWorkplace(async (place) => {
      await place.mount(fixture('forms/skopeo-untagged.tar'));
      const lines = async (...args: string[]): Promise<string[]> =>
        (await place.stratafs(['ps', ...args])).stdout.split('\n');
      expect(await lines('-q')).toContain(place.mountpoint);
      expect((await lines('--no-trunc')).find((line) => line.includes(place.mountpoint))).toMatch(
        /^8c7b830a95c5 +sha256:8c7b830a95c5[0-9a-f]{52} /,
      );
      expect(await lines('--format', '{{.MountPoint}} {{.Image}} {{.Status}} {{.Size}}')).toContain(
        `${place.mountpoint} 8c7b830a95c5 Up 0B (virtual 42B)`,
      );
      expect((await place.stratafs(['ps', '--format', '{{.Nothing}}'])).status).toBe(2);
      await place.unmount();
    }));
});

describeWith(['fuse', 'root', { program: 'setpriv' }], 'stratafs ps of an ordinary user', () => {
  it("leaves out mounts without access, and shows no sizes of root's mounts", () =>
    withWorkplace(async (place) => {
      const environment = install(place);
      mkdirSync(place.path('u'));
      mkdirSync(place.path('own'));
      await place.mount(IMAGE, '--upper', 'u');
      await place.stratafs(['mount', '-o', 'no_allow_other', IMAGE, 'own']);
      const script = `exec $S ps -s --json`;
      const { stdout, stderr } = await run(NOBODY[0], [...NOBODY.slice(1), 'sh', '-c', `eval "${script}"`], {
        env: { ...environment, HOME: '/nonexistent', XDG_CACHE_HOME: place.path('none') },
      });
      expect(stderr).not.toContain(place.directory);
      const listed = JSON.parse(stdout) as Container[];
      expect(listed.find(({ mountPoint }) => mountPoint === place.path('own'))).toBeUndefined();
      const shown = listed.find(({ mountPoint }) => mountPoint === place.mountpoint);
      expect(shown).toMatchObject({ image: 'expressweb:latest', status: 'Up' });
      expect(shown).not.toHaveProperty('size');
      await place.stratafs(['unmount', 'own']);
      await place.unmount();
    }));
});
