// Bundles the programs, after tsc has built dist/: what each of them loads in one file, what a command loads when it is asked
// for in others, a file each that starts one, and V8's code cache of the first.
//
// Start-up is what a second mount consists of, and most of it was finding, linking and compiling module files: as some
// ninety files they took 92 ms of CPU, as one 38 ms, as one with V8's cache 12 ms. The files lie as deep as src/sys does,
// which finds the addon by its relative path. The library in dist/ stays as tsc made it.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { build } from 'rolldown';

const output = {
  dir: 'dist/cli',
  format: 'cjs',
  entryFileNames: '[name].cjs',
  chunkFileNames: '[name].cjs',
};
await build({
  input: { programs: 'src/cli/programs.ts' },
  platform: 'node',
  // Rolldown warns that such an import splits off no file. It is there to run the module later, which it does.
  checks: { ineffectiveDynamicImport: false },
  output: {
    ...output,
    codeSplitting: {
      // With all that they import.
      groups: [{ name: 'mounting', test: /src\/cli\/(programs|command-line|commands\/mount-command)\.ts$/ }],
    },
    strictExecutionOrder: true,
  },
});
await build({ input: { start: 'src/cli/start.ts' }, platform: 'node', output });

// Non-ASCII text as escapes, which mean the same: a string of single bytes is read and kept in half the time and space.
const mounting = 'dist/cli/mounting.cjs';
const escaped = readFileSync(mounting, 'utf8').replace(
  /[^\0-\x7f]/g,
  (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
);
writeFileSync(mounting, escaped);

const { programs } = await import('../dist/cli/programs.js');
for (const name of Object.keys(programs)) {
  const file = `dist/cli/${name}.cjs`;
  writeFileSync(file, `#!/usr/bin/env node\nrequire('./start.cjs').start('${name}');\n`);
  chmodSync(file, 0o755);
}

await import('./code-cache.js');
