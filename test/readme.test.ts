// README and the pages of docs/ describe what the program does: every command and option is in them, and links lead somewhere.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { withWorkplace } from './mount/stratafs.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const pages = readdirSync(join(root, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);
const documentation = [readme, ...pages.map((page) => readFileSync(join(root, page), 'utf8'))].join('\n');

/** True if the documentation has `name` as a word of inline code. */
const isDocumented = (name: string): boolean =>
  new RegExp(`\`(?:[^\`\n]* )?${name}(?:[ ,=][^\`\n]*)?\``).test(documentation);

describe('the documentation', () => {
  it.each([
    'mount',
    'unmount',
    'ls',
    'ps',
    'index',
    'stats',
    'images',
    'history',
    'layers',
    'which',
    'diff',
    'waste',
    'report',
    'cat',
    'export',
    'bench',
  ])('names every option of %s', (command) =>
    withWorkplace(async (place) => {
      const { stdout } = await place.stratafs([command, '--help']);
      const options = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, name]) => name as string);
      expect(options.pop()).toBe('--help');
      expect(options.length).toBeGreaterThan(0);
      expect(options.filter((name) => !isDocumented(name))).toEqual([]);
    }),
  );

  it('names every command', () =>
    withWorkplace(async (place) => {
      const { stdout } = await place.stratafs(['--help']);
      const [, list = ''] = /^Commands:\n((?: .*\n)+)/m.exec(stdout) ?? [];
      const commands = [...list.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name as string);
      expect(commands).toContain('mount');
      expect(commands.filter((name) => !isDocumented(name))).toEqual([]);
    }));

  it.each(['README.md', ...pages])(
    '%s: every link leads to a file, and every anchor to a heading',
    (page) => {
      const text = readFileSync(join(root, page), 'utf8');
      const links = [...text.matchAll(/\]\(([^)#: ]*)(?:#([^)]*))?\)/g)];
      const broken = links.filter(([, path = '', anchor]) => {
        const target = path === '' ? join(root, page) : join(root, dirname(page), path);
        if (!existsSync(target)) return true;
        return anchor !== undefined && !anchorsOf(readFileSync(target, 'utf8')).includes(anchor);
      });
      expect(broken.map(([link]) => link)).toEqual([]);
    },
  );
});

describe('README', () => {
  it('fits on a few screens, and every page of docs/ can be reached from it', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(150);
    expect(pages.filter((page) => !readme.includes(`](${page})`))).toEqual([]);
  });
});

/** The anchors that GitHub gives the headings of a page. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );
}
