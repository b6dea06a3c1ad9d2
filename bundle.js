// Bundles the commands and their daemon, after tsc has built dist/: a file each, and parts that several of them share or
// that one loads when it is asked to.
//
// Start-up is what a second mount consists of, and most of it was finding and linking module files: the daemon's
// imports took 92 ms of CPU as some ninety files, 27 ms as one. All in one file the views cost each mount 18 ms. The
// files lie as deep as src/sys does, which finds the addon by its relative path. The library in dist/ stays as tsc
// made it.
import { build } from 'rolldown';

const names = ['main', 'daemon', 'mount-helper-main', 'unmount-helper-main', 'overlay-main'];

await build({
  input: Object.fromEntries(names.map((name) => [name, `src/cli/${name}.ts`])),
  platform: 'node',
  output: {
    dir: 'dist/cli',
    entryFileNames: '[name].js',
    chunkFileNames: '[name].part.js',
    format: 'esm',
  },
});
