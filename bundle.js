// Bundles the commands and their daemon into one file each, after tsc has built dist/.
//
// Start-up is what a second mount consists of, and most of it was finding and linking module files: the daemon's
// imports took 92 ms of CPU as some ninety files, 27 ms as one; the command's 60 and 30. The files lie as deep as
// src/sys does, which finds the addon by its relative path. The library in dist/ stays as tsc made it.
import { build } from 'rolldown';

for (const name of ['main', 'daemon', 'mount-helper-main', 'unmount-helper-main', 'overlay-main']) {
  await build({
    input: `src/cli/${name}.ts`,
    platform: 'node',
    output: { file: `dist/cli/${name}.js`, format: 'esm', codeSplitting: false },
  });
}
