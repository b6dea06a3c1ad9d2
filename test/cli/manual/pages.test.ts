// The built manual pages, formatted by mandoc and groff: complete, and without warnings.
import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { mountOptions } from '../../../src/cli/options/mount-options.ts';
import { run, withWorkplace } from '../../mount/stratafs.ts';
import { describeWith } from '../../requirements.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const files = ['mount.stratafs.8', 'stratafs-overlay.1', 'stratafs.1', 'umount.fuse.stratafs.8'];
const page = (file: string): string => join(root, 'dist/man', file);

/** The text of a page: bold is an overstrike, which is removed. */
function rendered(file: string, ...options: string[]): string {
  const text = execFileSync('mandoc', ['-T', 'ascii', ...options, page(file)], { encoding: 'utf8' });
  return text.replace(/.[\b]/g, '');
}

const inOneLine = (text: string): string => text.replace(/\s+/g, ' ');

/** The options in a help text: "-o, --output" of "-o, --output <target>". */
function listedOptions(help: string): string[] {
  return [...help.matchAll(/^ {2}(-\w, --[\w-]+|--?[\w-]+)/gm)].map(([, option]) => option as string);
}

function helpOf(program: string, ...args: string[]): string {
  return execFileSync(process.execPath, [join(root, 'dist/cli', `${program}.cjs`), ...args], {
    encoding: 'utf8',
  });
}

describeWith([{ program: 'mandoc' }], 'the manual pages, read with mandoc', () => {
  it('name every command and every option that --help lists', () => {
    const text = inOneLine(rendered('stratafs.1'));
    const [, list = ''] = /^Commands:\n((?: .*\n)+)/m.exec(helpOf('main', '--help')) ?? [];
    const commands = [...list.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name as string);
    expect(commands).toContain('mount');
    const startOf = (command: string): number => text.indexOf(` ${command} stratafs ${command} `);
    for (const [i, command] of commands.entries()) {
      const start = startOf(command);
      expect(start, command).toBeGreaterThan(0);
      const next = commands[i + 1];
      const end = next === undefined ? text.indexOf(' MOUNT OPTIONS ') : startOf(next);
      const options = listedOptions(helpOf('main', command, '--help'));
      expect(options.at(-1)).toBe('-h, --help');
      const section = text.slice(start, end);
      const missing = options.slice(0, -1).filter((option) => !section.includes(` ${option} `));
      expect(missing, command).toEqual([]);
    }
  });

  it.each([
    ['overlay-main', 'stratafs-overlay.1'],
    ['mount-helper-main', 'mount.stratafs.8'],
    ['unmount-helper-main', 'umount.fuse.stratafs.8'],
  ])('name every option of %s', (program, file) => {
    const options = listedOptions(helpOf(program, '--help'));
    const text = inOneLine(rendered(file));
    expect(options.length).toBeGreaterThan(4);
    expect(options.filter((option) => !text.includes(` ${option} `))).toEqual([]);
  });

  it.each(['stratafs.1', 'mount.stratafs.8'])('%s describes every mount option', (file) => {
    const [, text = ''] = / MOUNT OPTIONS (.*)/.exec(inOneLine(rendered(file))) ?? [];
    const names = mountOptions.flatMap(({ rules }) => rules.map(([name]) => name));
    expect(names.length).toBeGreaterThan(80);
    expect(names.filter((name) => !new RegExp(` ${name.replace('+', '\\+')}[ =,.]`).test(text))).toEqual([]);
  });

  it.each(files)('%s has no warning, and no line wider than 80 columns', (file) => {
    expect(execFileSync('mandoc', ['-T', 'lint', page(file)], { encoding: 'utf8' })).toBe('');
    const lines = rendered(file, '-O', 'width=78').split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });
});

describeWith([{ program: 'groff' }], 'groff', () => {
  it.each(files)('takes %s without a warning', async (file) => {
    const { status, stderr } = await run('groff', ['-man', '-ww', '-z', '-T', 'utf8', page(file)]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

describe('scripts/manual.js', () => {
  it('makes the same pages of the same source, dated by SOURCE_DATE_EPOCH', () =>
    withWorkplace(async (place) => {
      const env = { ...place.environment, SOURCE_DATE_EPOCH: '1700000000' };
      for (const name of ['a', 'b']) {
        const { status, stderr } = await run(process.execPath, ['scripts/manual.js', place.path(name)], {
          cwd: root,
          env,
        });
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      }
      expect(readdirSync(place.path('a')).sort()).toEqual(files);
      for (const file of files) {
        const text = readFileSync(place.path(`a/${file}`), 'utf8');
        expect(text).toContain(' "2023-11-14" ');
        expect(readFileSync(place.path(`b/${file}`), 'utf8')).toBe(text);
      }
    }));

  it('makes the files that npm installs for man(1)', () =>
    withWorkplace(async (place) => {
      const { status, stderr } = await run(
        'npm',
        ['install', '--global', '--ignore-scripts', '--offline', '--prefix', place.path('prefix'), '.'],
        { cwd: root, env: place.environment },
      );
      expect({ status }, stderr).toEqual({ status: 0 });
      for (const file of files) {
        const link = place.path(`prefix/share/man/man${file.at(-1) as string}/${file}`);
        expect(readFileSync(link, 'utf8')).toContain('.SH "NAME"');
        expect(readlinkSync(link)).toContain('/stratafs/dist/man/');
      }
    }));
});
