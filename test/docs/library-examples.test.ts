// Every example of docs/library.md and of the library's doc comments runs, and prints what the page says.
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { run, withWorkplace } from '../mount/stratafs.ts';
import { describeWith } from '../requirements.ts';
import { type Example, libraryExamples, root } from './library-examples.ts';

/** Node 20 runs neither types nor `await using`. */
const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };

function expectExample({ source, output }: Example): Promise<void> {
  return withWorkplace(async (place) => {
    const { outputText } = ts.transpileModule(source, { compilerOptions });
    mkdirSync(place.path('tmp'));
    const env = { ...place.environment, TMPDIR: place.path('tmp') };
    const args = ['--input-type=module', '--eval', outputText];
    const { status, stdout, stderr } = await run(process.execPath, args, { cwd: root, env });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    if (output !== undefined) expect(stdout).toBe(output);
    expect(readdirSync(place.path('tmp'))).toEqual([]);
    expect(place.mounted()).toEqual([]);
  });
}

describeWith(['fuse'], 'an example of the library', () => {
  it.each(libraryExamples().map((example) => [example.place, example] as const))(
    '%s runs, prints what is said of it, and leaves nothing',
    (_place, example) => expectExample(example),
  );
});

it('docs/library.md lists every code of InputError', () => {
  const source = readFileSync(join(root, 'src/vfs/input-error.ts'), 'utf8');
  const page = readFileSync(join(root, 'docs/library.md'), 'utf8');
  const codes = [...source.matchAll(/\| '(ERR_STRATAFS_\w+)'/g)].map(([, code]) => code as string);
  expect(codes.length).toBeGreaterThan(10);
  expect(codes.filter((code) => !page.includes(`| \`${code}\``))).toEqual([]);
});
