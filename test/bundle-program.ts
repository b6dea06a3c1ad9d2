// Bundles a program of the tests with the sources that it imports, for a process of its own: Node 20 runs no TypeScript.
import { mkdirSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

// Two folders below the root, like every file that finds the addon (src/sys/package-file.ts).
const directory = fileURLToPath(new URL(`../build/test-${process.pid}`, import.meta.url));

/** The path of the bundle, which exists until this process ends. `program` is relative to test/. */
export async function bundleProgram(program: string): Promise<string> {
  const name = basename(program).replace(/\.[jt]s$/, '');
  mkdirSync(directory, { recursive: true });
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  await build({
    input: { [name]: fileURLToPath(new URL(program, import.meta.url)) },
    platform: 'node',
    transform: { target: 'node20.19' },
    checks: { ineffectiveDynamicImport: false },
    output: { dir: directory, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name].mjs' },
  });
  return `${directory}/${name}.mjs`;
}
