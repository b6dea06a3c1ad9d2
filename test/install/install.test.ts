// The npm package installed in an empty prefix: without install scripts, with them, and where nothing prebuilt fits.
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Outcome, fixture, run, withWorkplace } from '../mount/stratafs.ts';
import { describeWith, findProgram } from '../requirements.ts';
import { type InstalledPackage, installPackage, packInto } from './installed-package.ts';

const scratch = mkdtempSync(join(tmpdir(), 'stratafs-pack-'));
let tarball: string;
let installed: InstalledPackage;
beforeAll(() => {
  if (findProgram('npm') !== undefined) tarball = packInto(scratch);
});
afterAll(() => rmSync(scratch, { recursive: true }));
beforeEach(() => (installed = installPackage(tarball)));
afterEach(() => installed.remove());

/** Runs the install script as npm does, with nothing in PATH. */
const runInstallScript = (): Promise<Outcome> =>
  run(process.execPath, ['scripts/install.js'], { cwd: installed.root, env: { PATH: '/nonexistent' } });

const cache = (): string => join(installed.root, 'dist/cli/mounting.cache');

describeWith(['fuse', 'root', { program: 'npm' }], 'the npm package', () => {
  it('mounts without install scripts and without an environment, and makes the code cache', () =>
    withWorkplace(async (place) => {
      expect(existsSync(cache())).toBe(false);
      const program = join(installed.prefix, 'bin/stratafs');
      const mounting = ['-i', `XDG_CACHE_HOME=${place.path('cache')}`, program, 'mount'];
      expect(await run('env', [...mounting, fixture('expressweb.tar'), place.mountpoint])).toMatchObject({
        status: 0,
        stderr: '',
      });
      expect(place.mounted()).toEqual([place.mountpoint]);
      const { pid } = (await place.listed()) ?? { pid: 0 };
      // The prebuilt addon.
      expect(readFileSync(`/proc/${pid}/maps`, 'utf8')).toContain(
        join(installed.root, `prebuilds/linux-${process.arch}/stratafs.node`),
      );
      expect(statSync(cache()).size).toBeGreaterThan(0);
      expect(existsSync(join(installed.root, 'build'))).toBe(false);
      await place.unmount();
    }));
});

describeWith([{ program: 'npm' }], 'the install script', () => {
  it('compiles nothing where the prebuilt files work', async () => {
    expect(await runInstallScript()).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(readdirSync(join(installed.root, 'build'))).toEqual(['node']);
    expect(readlinkSync(join(installed.root, 'build/node'))).toBe(process.execPath);
    expect(existsSync(cache())).toBe(true);
  });

  it('says in one line what compiling needs where there is no prebuilt file', async () => {
    rmSync(join(installed.root, 'prebuilds'), { recursive: true });
    const { status, stderr } = await runInstallScript();
    expect(stderr).toBe(
      'stratafs: compiling needs g++, make, python3; install a C++ compiler, make and python3' +
        ` (Debian: apt install g++ make python3) (no prebuilt addon for linux-${process.arch})\n`,
    );
    expect(status).toBe(1);
  });

  it('does not use a prebuilt addon that does not load', async () => {
    writeFileSync(join(installed.root, `prebuilds/linux-${process.arch}/stratafs.node`), 'no shared object');
    const { status, stderr } = await runInstallScript();
    expect(stderr).toMatch(
      /^stratafs: compiling needs .* \(the prebuilt addon does not fit this system: .*\)\n$/,
    );
    expect(status).toBe(1);
  });
});

describeWith([{ program: 'npm' }], 'a native file', () => {
  it('that was compiled is used before the prebuilt one', async () => {
    mkdirSync(join(installed.root, 'build/Release'), { recursive: true });
    writeFileSync(join(installed.root, 'build/Release/stratafs.node'), 'no shared object');
    const { stderr } = await run(join(installed.prefix, 'bin/stratafs'), ['ls']);
    expect(stderr).toMatch(/the native addon can't be loaded: .*build\/Release\/stratafs\.node/);
  });

  it('of the bench that is missing is named with the command that makes it', async () => {
    rmSync(join(installed.root, `prebuilds/linux-${process.arch}/stratafs-load`));
    const { status, stderr } = await run(join(installed.prefix, 'bin/stratafs'), ['bench']);
    expect(stderr).toBe(
      `stratafs: ${join(installed.root, 'build/Release/stratafs-load')} is not built;` +
        ` run: npm --prefix ${installed.root} run build:native\n`,
    );
    expect(status).toBe(1);
  });
});

describeWith([{ program: 'npm' }], 'the files of the npm package', () => {
  it('are those that something reaches: the bundles, the declarations of the library, what compiling needs', () => {
    const files = readdirSync(installed.root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(installed.root, join(entry.parentPath, entry.name)));
    const scripts = files.filter((path) => path.startsWith('scripts/')).sort();
    expect(scripts).toEqual(['scripts/code-cache.js', 'scripts/compile.js', 'scripts/install.js']);
    const code = files.filter((path) => /^dist\/.*\.js$/.test(path)).sort();
    expect(code.filter((path) => !path.startsWith('dist/bundle/'))).toEqual(['dist/index.js']);
    expect(files).toContain('dist/index.d.ts');
    expect(files).toContain('native/addon/addon.cc');
    expect(files.filter((path) => /^(?:src|test|fixtures|build)\//.test(path))).toEqual([]);
  });

  it('need no other package, unless they are compiled', () => {
    const { dependencies } = JSON.parse(readFileSync(join(installed.root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    expect(Object.keys(dependencies)).toEqual(['node-addon-api']);
    const exported = execFileSync(
      process.execPath,
      ['--input-type=module', '-e', "console.log(Object.keys(await import('./dist/index.js')).join(' '))"],
      { cwd: installed.root, encoding: 'utf8' },
    );
    expect(exported).toContain('openImage');
  });
});
