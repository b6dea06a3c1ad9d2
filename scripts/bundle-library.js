// Bundles the library, after tsc has built dist/. The output:
//   dist/bundle/        the library as ES modules, with the packages that it uses, and their licences
//   dist/index.js       re-exports it
//   dist/**/*.d.ts      only those that index.d.ts reaches
//
// So an installation downloads no package for the library, and the npm package holds no module twice. dist/bundle lies as deep
// as src/sys does, because that finds the addon by a relative path.
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'rolldown';
import { licencesOf } from './licences.js';

const bundle = await build({
  input: { library: 'src/index.ts' },
  platform: 'node',
  transform: { target: 'node20.19' },
  checks: { ineffectiveDynamicImport: false },
  output: { dir: 'dist/bundle', format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name].js' },
});
writeFileSync('dist/bundle/LICENSES.txt', licencesOf(bundle));
writeFileSync('dist/index.js', "export * from './bundle/library.js';\n");

/** The declaration files that `file` reaches, itself among them. */
function reachable(file, found = new Set()) {
  if (found.has(file)) return found;
  found.add(file);
  for (const [, specifier] of readFileSync(file, 'utf8').matchAll(/(?:from |import\()['"](\.[^'"]*)['"]/g)) {
    reachable(join(dirname(file), specifier.replace(/(?:\.d)?\.[jt]s$/, '.d.ts')), found);
  }
  return found;
}
const declarations = reachable('dist/index.d.ts');
for (const name of readdirSync('dist', { recursive: true })) {
  const file = join('dist', name);
  if (file.endsWith('.d.ts') && !declarations.has(file)) rmSync(file);
}
