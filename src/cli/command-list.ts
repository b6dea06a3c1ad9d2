// Which commands there are.
//
// A command's file is loaded only when the command is used: start-up time is most of a second mount.
import type { CliCommand } from './command-result.ts';

export interface CommandEntry {
  readonly summary: string;
  readonly load: () => Promise<() => CliCommand>;
}

/** By name, in the order in which help lists them. */
export const commands: ReadonlyMap<string, CommandEntry> = new Map<string, CommandEntry>([
  [
    'mount',
    {
      summary: 'mount a saved image, or a stack of layers',
      load: async () => (await import('./commands/mount-command.ts')).mountCommand,
    },
  ],
  [
    'unmount',
    {
      summary: 'unmount, and wait until the daemon has ended',
      load: async () => (await import('./commands/unmount-command.ts')).unmountCommand,
    },
  ],
  [
    'ls',
    {
      summary: 'list what is mounted',
      load: async () => (await import('./commands/ls-command.ts')).lsCommand,
    },
  ],
  [
    'ps',
    {
      summary: 'list mounts as containers: image, age, size of what was written',
      load: async () => (await import('./commands/ps-command.ts')).psCommand,
    },
  ],
  [
    'index',
    {
      summary: 'make the index of an image, so that its first mount is fast',
      load: async () => (await import('./commands/index-command.ts')).indexCommand,
    },
  ],
  [
    'images',
    {
      summary: 'list the images of archives, and what they share',
      load: async () => (await import('./commands/images-command.ts')).imagesCommand,
    },
  ],
  [
    'history',
    {
      summary: 'show the steps that made an image, and their layers',
      load: async () => (await import('./commands/history-command.ts')).historyCommand,
    },
  ],
  [
    'layers',
    {
      summary: 'show where the layers of an image lie, and what each changes',
      load: async () => (await import('./commands/layers-command.ts')).layersCommand,
    },
  ],
  [
    'which',
    {
      summary: 'tell which layer a path comes from',
      load: async () => (await import('./commands/which-command.ts')).whichCommand,
    },
  ],
  [
    'diff',
    {
      summary: 'show what was written to a mount, or compare images, layers, directories',
      load: async () => (await import('./commands/diff-command.ts')).diffCommand,
    },
  ],
  [
    'waste',
    {
      summary: 'find what an image stores and never shows',
      load: async () => (await import('./commands/waste-command.ts')).wasteCommand,
    },
  ],
  [
    'report',
    {
      summary: 'write a page that shows images: layers, a map of the bytes, waste',
      load: async () => (await import('./commands/report-command.ts')).reportCommand,
    },
  ],
  [
    'cat',
    {
      summary: "write a file's content to standard output",
      load: async () => (await import('./commands/cat-command.ts')).catCommand,
    },
  ],
  [
    'export',
    {
      summary: 'write what an image shows as one tar',
      load: async () => (await import('./commands/export-command.ts')).exportCommand,
    },
  ],
  [
    'commit',
    {
      summary: 'make an image of a mount: what was written to it becomes one more layer',
      load: async () => (await import('./commands/commit-command.ts')).commitCommand,
    },
  ],
  [
    'flatten',
    {
      summary: 'make an image of one layer, which shows what all layers of another show',
      load: async () => (await import('./commands/flatten-command.ts')).flattenCommand,
    },
  ],
  [
    'squash',
    {
      summary: 'make an image whose upper layers are one',
      load: async () => (await import('./commands/squash-command.ts')).squashCommand,
    },
  ],
  [
    'bench',
    {
      summary: 'measure stratafs beside other ways to show the same layers',
      load: async () => (await import('./commands/bench-command.ts')).benchCommand,
    },
  ],
  [
    'stats',
    {
      summary: 'show what a mount was asked and what it answered from its cache',
      load: async () => (await import('./commands/stats-command.ts')).statsCommand,
    },
  ],
  [
    'completion',
    {
      summary: 'print a script that completes command lines in bash, zsh or fish',
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
