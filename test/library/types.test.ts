// The types of the built package, as a TypeScript program of another project sees them.
import { copyFileSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import ts from 'typescript';
import { libraryExamples, root } from '../docs/library-examples.ts';
import { scratchDirectory } from '../image/scratch.ts';

/** Uses of the interface of node:fs: what stratafs returns fits where Node's own does. */
const CONSUMER = `
import type { BigIntStats as NodeBigIntStats, Stats as NodeStats } from 'node:fs';
import { type Image, type Mount, InputError, mount, openImage } from 'stratafs';

export async function use(image: Image): Promise<void> {
  const stats: NodeStats = await image.stat('/');
  const exact: NodeBigIntStats = await image.lstat(Buffer.from('/'), { bigint: true });
  const bytes: Buffer = await image.readFile('/a');
  const text: string = await image.readFile('/a', 'utf8');
  const again: string = await image.readFile('/a', { encoding: 'latin1' });
  const names: string[] = await image.readdir('/');
  const raw: Buffer[] = await image.readdir('/', 'buffer');
  const entries = await image.readdir('/', { withFileTypes: true });
  const first: string | undefined = entries[0]?.name;
  const rawEntries = await image.readdir('/', { encoding: 'buffer', withFileTypes: true });
  const rawName: Buffer | undefined = rawEntries[0]?.name;
  const target: string = await image.readlink('/l');
  const rawTarget: Buffer = await image.readlink('/l', { encoding: 'buffer' });
  // @ts-expect-error bytes without an encoding
  const wrong: string = await image.readFile('/a');
  console.log(wrong, stats, exact, bytes, text, again, names, raw, first, rawName, target, rawTarget);
}

export async function serve(): Promise<Mount> {
  await using image = await openImage('app.tar');
  return mount(image, '/mnt', { upper: { isThrowAway: true } });
}

export function isMissing(error: unknown): boolean {
  return error instanceof InputError && error.code === 'ERR_STRATAFS_NO_IMAGE';
}
`;

const options: ts.CompilerOptions = {
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noEmit: true,
  allowJs: true,
  checkJs: true,
};

it('are complete under strict and NodeNext, also for all examples', async () => {
  const project = await scratchDirectory();
  mkdirSync(join(project, 'node_modules'));
  symlinkSync(root, join(project, 'node_modules/stratafs'));
  symlinkSync(join(root, 'node_modules/@types'), join(project, 'node_modules/@types'));
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  const examples = readdirSync(join(root, 'examples')).map((name) => {
    copyFileSync(join(root, 'examples', name), join(project, name));
    return join(project, name);
  });
  const files = [CONSUMER, ...libraryExamples().map(({ source }) => source)].map((source, i) => {
    const path = join(project, `example-${i}.ts`);
    writeFileSync(path, source);
    return path;
  });
  const program = ts.createProgram([...files, ...examples], options);
  const problems = ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line = file?.getLineAndCharacterOfPosition(start ?? 0).line ?? 0;
    return `${file?.fileName ?? ''}:${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
  expect(problems).toEqual([]);
});
