// What README promises: its library example runs, and what it says of the command is what the command says.
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { run, withWorkplace } from './mount/stratafs.ts';
import { describeWith } from './requirements.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** The fenced blocks of one language. */
function blocks(language: string): string[] {
  return [...readme.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, each]) => each === language)
    .map(([, , text]) => text as string);
}

describeWith(['fuse'], "README's library example", () => {
  it('runs, shows a file of the image, and leaves nothing behind', () =>
    withWorkplace(async (place) => {
      const [example, ...others] = blocks('js');
      expect(others).toEqual([]);
      mkdirSync(place.path('tmp'));
      const { status, stdout, stderr } = await run(
        process.execPath,
        ['--input-type=module', '--eval', example as string],
        { cwd: root, env: { ...place.environment, TMPDIR: place.path('tmp') } },
      );
      expect(stderr).toBe('');
      expect(status).toBe(0);
      expect(stdout).toBe(
        `4 layers\n${readFileSync(new URL('../fixtures/expressweb/README.md', import.meta.url), 'utf8')}\n`,
      );
      expect(readdirSync(place.path('tmp'))).toEqual([]);
      expect(place.mounted()).toEqual([]);
    }));
});

/** `name` in code, perhaps with an argument behind it. */
const isTold = (name: string): boolean => new RegExp(`\`(?:-\\w, |stratafs )?${name}[\` ]`).test(readme);

describe('README', () => {
  it.each([
    'mount',
    'unmount',
    'ls',
    'index',
    'stats',
    'images',
    'history',
    'layers',
    'which',
    'diff',
    'waste',
    'report',
    'export',
    'bench',
  ])('names every option of %s', (command) =>
    withWorkplace(async (place) => {
      const { stdout } = await place.stratafs([command, '--help']);
      const options = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, name]) => name as string);
      expect(options.pop()).toBe('--help');
      expect(options.length).toBeGreaterThan(0);
      expect(options.filter((name) => !isTold(name))).toEqual([]);
    }),
  );

  it('names every command', () =>
    withWorkplace(async (place) => {
      const { stdout } = await place.stratafs(['--help']);
      const [, list = ''] = /^Commands:\n((?: .*\n)+)/m.exec(stdout) ?? [];
      const commands = [...list.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name as string);
      expect(commands).toContain('mount');
      expect(commands.filter((name) => !isTold(name))).toEqual([]);
    }));

  it('names no document that is not there', () => {
    const links = [...readme.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, link]) => link as string);
    expect(links).toContain('docs/walk.md');
    expect(links.filter((link) => !existsSync(new URL(`../${link}`, import.meta.url)))).toEqual([]);
  });
});
