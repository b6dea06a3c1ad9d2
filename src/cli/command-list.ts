// The list of commands.
//
// A command's file is loaded only when the command is used, because start-up is most of the time of a cached mount.
import type { CliCommand } from './command-result.ts';

export interface CommandEntry {
  readonly summary: string;
  readonly load: () => Promise<() => CliCommand>;
}

/** By name, in the order of the help. */
export const commands: ReadonlyMap<string, CommandEntry> = new Map<string, CommandEntry>([
  [
    'mount',
    {
      summary: 'mount a saved image or a stack of layers',
      load: async () => (await import('./commands/mount-command.ts')).mountCommand,
    },
  ],
  [
    'unmount',
    {
      summary: 'unmount, and wait until the daemon has exited',
      load: async () => (await import('./commands/unmount-command.ts')).unmountCommand,
    },
  ],
  [
    'serve',
    {
      summary: 'serve many mounts from one process',
      load: async () => (await import('./commands/serve-command.ts')).serveCommand,
    },
  ],
  [
    'snapshotter',
    {
      summary: "serve containerd's snapshots, with mounted layers",
      load: async () => (await import('./commands/snapshotter-command.ts')).snapshotterCommand,
    },
  ],
  [
    'ls',
    {
      summary: 'list mounts',
      load: async () => (await import('./commands/ls-command.ts')).lsCommand,
    },
  ],
  [
    'ps',
    {
      summary: 'list mounts like containers: image, age, written size',
      load: async () => (await import('./commands/ps-command.ts')).psCommand,
    },
  ],
  [
    'index',
    {
      summary: 'index an image, so that its first mount is fast',
      load: async () => (await import('./commands/index-command.ts')).indexCommand,
    },
  ],
  [
    'images',
    {
      summary: 'list the images in archives, and shared layers',
      load: async () => (await import('./commands/images-command.ts')).imagesCommand,
    },
  ],
  [
    'inspect',
    {
      summary: 'print the config and manifest of images as JSON',
      load: async () => (await import('./commands/inspect-command.ts')).inspectCommand,
    },
  ],
  [
    'history',
    {
      summary: 'show the build steps of an image',
      load: async () => (await import('./commands/history-command.ts')).historyCommand,
    },
  ],
  [
    'layers',
    {
      summary: 'show the layers of an image: position, size, changes',
      load: async () => (await import('./commands/layers-command.ts')).layersCommand,
    },
  ],
  [
    'tree',
    {
      summary: 'show the files of an image with their layers and sizes',
      load: async () => (await import('./commands/tree-command.ts')).treeCommand,
    },
  ],
  [
    'which',
    {
      summary: 'show which layer a path comes from',
      load: async () => (await import('./commands/which-command.ts')).whichCommand,
    },
  ],
  [
    'diff',
    {
      summary: 'show what was written to a mount, or compare images',
      load: async () => (await import('./commands/diff-command.ts')).diffCommand,
    },
  ],
  [
    'waste',
    {
      summary: 'find files that an image stores but does not show',
      load: async () => (await import('./commands/waste-command.ts')).wasteCommand,
    },
  ],
  [
    'report',
    {
      summary: 'write an HTML page about images',
      load: async () => (await import('./commands/report-command.ts')).reportCommand,
    },
  ],
  [
    'cat',
    {
      summary: 'write files of an image to standard output',
      load: async () => (await import('./commands/cat-command.ts')).catCommand,
    },
  ],
  [
    'cp',
    {
      summary: 'copy files of an image to this machine',
      load: async () => (await import('./commands/cp-command.ts')).cpCommand,
    },
  ],
  [
    'export',
    {
      summary: 'write the merged files of an image as a tar',
      load: async () => (await import('./commands/export-command.ts')).exportCommand,
    },
  ],
  [
    'convert',
    {
      summary: "write an image as EROFS, for the kernel's own driver",
      load: async () => (await import('./commands/convert-command.ts')).convertCommand,
    },
  ],
  [
    'pull',
    {
      summary: 'copy an image of a registry to this machine',
      load: async () => (await import('./commands/pull-command.ts')).pullCommand,
    },
  ],
  [
    'push',
    {
      summary: 'send a saved image to a registry',
      load: async () => (await import('./commands/push-command.ts')).pushCommand,
    },
  ],
  [
    'commit',
    {
      summary: 'save a mount as an image with a new layer',
      load: async () => (await import('./commands/commit-command.ts')).commitCommand,
    },
  ],
  [
    'flatten',
    {
      summary: 'merge all layers of an image into one',
      load: async () => (await import('./commands/flatten-command.ts')).flattenCommand,
    },
  ],
  [
    'squash',
    {
      summary: 'merge the upper layers of an image into one',
      load: async () => (await import('./commands/squash-command.ts')).squashCommand,
    },
  ],
  [
    'bench',
    {
      summary: 'measure stratafs against other ways to mount layers',
      load: async () => (await import('./commands/bench-command.ts')).benchCommand,
    },
  ],
  [
    'stats',
    {
      summary: 'show the requests to a mount and its cache use',
      load: async () => (await import('./commands/stats-command.ts')).statsCommand,
    },
  ],
  [
    'completion',
    {
      summary: 'print a completion script for bash, zsh or fish',
      load: async () => (await import('./commands/completion-command.ts')).completionCommand,
    },
  ],
  [
    'version',
    {
      summary: 'print the version',
      load: async () => (await import('./commands/version-command.ts')).versionCommand,
    },
  ],
]);
