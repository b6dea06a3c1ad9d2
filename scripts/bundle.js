// Bundles the programs. The output in dist/cli:
//   core.cjs        what every command loads
//   layers.cjs      images, layers and trees: what a mount and a look inside both load
//   mounting.cjs    the rest of what a mount loads
//   inspecting.cjs  the rest of what a look inside loads
//   other chunks    modules that single commands load on demand
//   *.cache         V8's code cache of each
//   NAME.cjs        one file for each program, which starts it
//   LICENSES.txt    the licences of the packages inside
//
// A remount spends its time on start-up, mostly on finding, linking and compiling modules: 92 ms of CPU for some ninety
// files, 38 ms for one file, 12 ms for one file with V8's cache. The bundle must lie as deep as src/sys does, because that
// finds the addon by a relative path.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { build } from 'rolldown';
import { licencesOf } from './licences.js';

const output = {
  dir: 'dist/cli',
  format: 'cjs',
  entryFileNames: '[name].cjs',
  chunkFileNames: '[name].cjs',
  comments: false, // Node reads them at each start
};
const bundle = await build({
  input: { programs: 'src/cli/programs.ts' },
  platform: 'node',
  transform: { target: 'node20.19' },
  // Rolldown warns that such an import makes no chunk. Its purpose is to run the module later, and that works.
  checks: { ineffectiveDynamicImport: false },
  output: {
    ...output,
    codeSplitting: {
      // Each: these modules and everything that they import, unless a group above has it.
      groups: [
        { name: 'core', test: /src\/cli\/(programs|command-line)\.ts$/, priority: 4 },
        { name: 'layers', test: /src\/mount\/(layers|open-image)\.ts$/, priority: 3 },
        { name: 'mounting', test: /src\/cli\/commands\/mount-command\.ts$/, priority: 2 },
        { name: 'inspecting', test: /src\/cli\/commands\/inspection\.ts$/, priority: 1 },
      ],
    },
    strictExecutionOrder: true,
  },
});
await build({
  input: { start: 'src/cli/start.ts' },
  platform: 'node',
  transform: { target: 'node20.19' },
  output,
});

// Writes non-ASCII text as escapes: V8 reads and stores a one-byte string in half the time and memory.
for (const { fileName } of bundle.output) {
  const file = `dist/cli/${fileName}`;
  const escaped = readFileSync(file, 'utf8').replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  writeFileSync(file, escaped);
}

const { default: bundled } = await import('../dist/cli/programs.cjs');
for (const name of Object.keys(bundled.programs)) {
  const file = `dist/cli/${name}.cjs`;
  writeFileSync(file, `#!/usr/bin/env node\nrequire('./start.cjs').start('${name}');\n`);
  chmodSync(file, 0o755);
}

writeFileSync('dist/cli/LICENSES.txt', licencesOf(bundle));

await import('./code-cache.js');
