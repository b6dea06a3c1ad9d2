// The npm package as npm installs it in a prefix, without the registry: its only dependency serves compiling.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

export interface InstalledPackage {
  /** The directory that npm installs into; its bin/node is this process's Node. */
  readonly prefix: string;
  /** lib/node_modules/stratafs in it. */
  readonly root: string;
  remove: () => void;
}

/** Packs what is built, into `directory`; returns the path of the tarball. */
export function packInto(directory: string): string {
  execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', directory], {
    cwd: REPOSITORY,
    stdio: 'ignore',
  });
  return join(directory, readdirSync(directory).find((name) => name.endsWith('.tgz')) ?? '');
}

/** Installs the package with the native files compiled here in place of prebuilt ones. Runs none of its scripts. */
export function installPackage(tarball: string): InstalledPackage {
  const prefix = mkdtempSync(join(tmpdir(), 'stratafs-install-'));
  const modules = join(prefix, 'lib/node_modules');
  mkdirSync(modules, { recursive: true });
  execFileSync('tar', ['--no-same-owner', '-xzf', tarball, '-C', modules]);
  const root = join(modules, 'stratafs');
  execFileSync('mv', [join(modules, 'package'), root]);
  rmSync(join(root, 'prebuilds'), { recursive: true, force: true });
  const prebuilt = join(root, `prebuilds/linux-${process.arch}`);
  mkdirSync(prebuilt, { recursive: true });
  for (const name of ['stratafs.node', 'stratafs-launch', 'stratafs-load', 'stratafs-bare']) {
    copyFileSync(join(REPOSITORY, 'build/Release', name), join(prebuilt, name));
  }
  mkdirSync(join(prefix, 'bin'));
  symlinkSync(process.execPath, join(prefix, 'bin/node'));
  for (const name of ['stratafs', 'mount.stratafs', 'umount.fuse.stratafs', 'stratafs-overlay']) {
    symlinkSync('../lib/node_modules/stratafs/bin/stratafs', join(prefix, 'bin', name));
  }
  return { prefix, root, remove: () => rmSync(prefix, { recursive: true, force: true }) };
}
