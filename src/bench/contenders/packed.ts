// The merged tree packed into one file system image: squashfs and erofs, mounted by the kernel over a loop device or by
// their FUSE programs. They are read-only.
import { join } from 'node:path';
import type { Contender, Lack, Workshop } from '../contender.ts';
import { isInstalled, mountedByCommand } from '../mounting.ts';
import type { Stack } from '../stack.ts';

/** A program that packs a tree into an image. */
interface Packer {
  readonly type: string;
  readonly program: string;
  /** The Debian package that contains it. */
  readonly package: string;
  readonly argv: (directory: string, image: string) => string[];
}

const squashfsPacker: Packer = {
  type: 'squashfs',
  program: 'mksquashfs',
  package: 'squashfs-tools',
  argv: (directory, image) => ['mksquashfs', directory, image, '-noappend', '-no-progress', '-quiet'],
};

const erofsPacker: Packer = {
  type: 'erofs',
  program: 'mkfs.erofs',
  package: 'erofs-utils',
  argv: (directory, image) => ['mkfs.erofs', '--quiet', image, directory],
};

/** Packs the tree of `stack`, once for all contenders that mount the image, and returns the image's path. */
async function pack({ processes }: Workshop, stack: Stack, packer: Packer): Promise<string> {
  const directory = await stack.flattened();
  return stack.form(packer.type, async (place) => {
    const image = join(place, `image.${packer.type}`);
    await processes.run(packer.argv(directory, image));
    return image;
  });
}

const missing = (program: string, from: string): Lack => ({
  reason: `${program} is not installed`,
  remedy: `apt install ${from}`,
});

function byKernel(packer: Packer): Contender {
  return {
    name: packer.type,
    summary: `the merged tree packed by ${packer.program}, mounted by the kernel (loop device)`,
    serves: ['metadata', 'content', 'mounts'],
    lack: () => {
      if (process.geteuid?.() !== 0)
        return Promise.resolve({ reason: 'only root can mount it', remedy: 'run the bench as root' });
      return Promise.resolve(
        isInstalled(packer.program) ? undefined : missing(packer.program, packer.package),
      );
    },
    version: (workshop) => versionOf(workshop, packer.program),
    prepare: async (workshop, stack) => {
      const image = await pack(workshop, stack, packer);
      return mountedByCommand(workshop.processes, (place) => ({
        argv: ['mount', '-t', packer.type, '-o', 'ro,loop', image, place],
        hasDaemon: false,
      }));
    },
  };
}

function byFuse(program: string, from: string, packer: Packer): Contender {
  return {
    name: program,
    summary: `the merged tree packed by ${packer.program}, mounted by ${program}`,
    serves: ['metadata', 'content', 'mounts'],
    lack: () => {
      if (!isInstalled(program)) return Promise.resolve(missing(program, from));
      return Promise.resolve(
        isInstalled(packer.program) ? undefined : missing(packer.program, packer.package),
      );
    },
    version: (workshop) => versionOf(workshop, packer.program),
    prepare: async (workshop, stack) => {
      const image = await pack(workshop, stack, packer);
      return mountedByCommand(workshop.processes, (place) => ({
        argv: [program, image, place],
        hasDaemon: true,
      }));
    },
  };
}

/** The first line of the packer's version text: "mksquashfs version 4.5.1 (2022/03/17)", "mkfs.erofs 1.5". */
async function versionOf({ processes }: Workshop, program: string): Promise<string | undefined> {
  const option = program === 'mksquashfs' ? '-version' : '-V';
  // mksquashfs 4.5 exits with status 1 after it has printed its version.
  const said = await processes.run(['sh', '-c', '"$1" "$2" 2>&1 || true', 'sh', program, option]);
  return said.toString().split('\n')[0]?.trim();
}

export const squashfs = byKernel(squashfsPacker);
export const erofs = byKernel(erofsPacker);
export const squashfuse = byFuse('squashfuse', 'squashfuse', squashfsPacker);
export const erofsfuse = byFuse('erofsfuse', 'erofsfuse', erofsPacker);
