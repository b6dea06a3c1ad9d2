// Which paths are trusted. What others can do there is tried by another user, with mv(1) and ln(1).
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { examinePath, whyNotOwn } from '../../src/sys/trusted-path.ts';
import { describeWith } from '../requirements.ts';

const OTHER = 4242;

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'stratafs-trust-')));
  chmodSync(root, 0o755);
  mkdirSync(join(root, 'a/b'), { recursive: true, mode: 0o755 });
});
afterEach(() => rmSync(root, { recursive: true }));

const at = (name: string): string => join(root, name);
const reasonOf = (name: string): string | undefined => {
  const found = examinePath(at(name));
  return found.kind === 'untrusted' ? found.reason : undefined;
};

describe('examinePath', () => {
  it('answers the real path of a directory, by whatever way', () => {
    symlinkSync('a', at('relative'));
    symlinkSync(at('relative'), at('absolute'));
    for (const name of ['a/b', 'a/./b/', 'a/../a//b', 'relative/b', 'absolute/../a/b']) {
      expect(examinePath(at(name))).toMatchObject({ kind: 'trusted', path: at('a/b') });
    }
  });

  it('says what is missing, and makes it for this user alone only if asked to', () => {
    expect(examinePath(at('a/c/d'))).toEqual({ kind: 'missing' });
    expect(existsSync(at('a/c'))).toBe(false);
    expect(examinePath(at('a/c/d'), true)).toMatchObject({ kind: 'trusted', path: at('a/c/d') });
    expect(statSync(at('a/c')).mode & 0o777).toBe(0o700);
  });

  it.each([0o777, 0o757, 0o775])('distrusts a directory above that others may write to: %o', (mode) => {
    chownSync(at('a'), process.geteuid?.() ?? 0, mode === 0o775 ? 4243 : (process.getegid?.() ?? 0));
    chmodSync(at('a'), mode);
    expect(reasonOf('a/b')).toBe(`others may write to ${at('a')} (mode 0${mode.toString(8)})`);
    expect(reasonOf('a/not/there')).toBe(reasonOf('a/b'));
  });

  it('trusts a sticky directory, and one that the private group of this user may write to', () => {
    chmodSync(at('a'), 0o1777);
    expect(reasonOf('a/b')).toBeUndefined();
    chownSync(at('a'), process.geteuid?.() ?? 0, process.geteuid?.() ?? 0);
    chmodSync(at('a'), 0o775);
    expect(reasonOf('a/b')).toBeUndefined();
  });

  it('ends at a file, a loop of symlinks, and a missing target', () => {
    writeFileSync(at('file'), '');
    symlinkSync('loop', at('loop'));
    symlinkSync('nowhere', at('dangling'));
    expect(reasonOf('file/b')).toBe(`${at('file')} is not a directory`);
    expect(reasonOf('loop/b')).toBe(`${at('loop')}: too many symlinks`);
    expect(examinePath(at('dangling/b'))).toEqual({ kind: 'missing' });
  });
});

describeWith(['root', { program: 'setpriv' }], 'examinePath, where another user is at work,', () => {
  const asOther = (...command: string[]): number | null =>
    spawnSync('setpriv', ['--reuid', `${OTHER}`, '--regid', `${OTHER}`, '--clear-groups', ...command]).status;

  /** Whether the other user can put something else in the place of `name`. */
  const canReplace = (name: string): boolean => asOther('mv', at(name), at(`${name}-moved`)) === 0;

  it.each([
    ['root, 0755', () => undefined, true],
    ['root, sticky', () => chmodSync(at('a'), 0o1777), true],
    ['root, 0777', () => chmodSync(at('a'), 0o777), false],
    ['the other user', () => chownSync(at('a'), OTHER, OTHER), false],
    [
      'root, of a group of the other user',
      () => {
        chownSync(at('a'), 0, OTHER);
        chmodSync(at('a'), 0o775);
      },
      false,
    ],
  ])('trusts a path exactly if that user can replace none of it: %s', (_title, prepare, isTrusted) => {
    prepare();
    expect(reasonOf('a/b') === undefined).toBe(isTrusted);
    expect(canReplace('a/b')).toBe(!isTrusted);
  });

  it('distrusts directories and symlinks of another user in a sticky directory', () => {
    chmodSync(at('a'), 0o1777);
    expect(asOther('mkdir', at('a/theirs'))).toBe(0);
    expect(asOther('ln', '-s', at('a/b'), at('a/link'))).toBe(0);
    for (const name of ['theirs', 'link']) {
      expect(reasonOf(`a/${name}`)).toBe(`${at(`a/${name}`)} belongs to another user (uid ${OTHER})`);
    }
    lchownSync(at('a/link'), 0, 0);
    expect(reasonOf('a/link')).toBeUndefined();
  });

  it('trusts the unmapped owner of what lies above, in a user namespace', () => {
    chownSync(root, OTHER, OTHER);
    mkdirSync(at('own'), { mode: 0o700 });
    chownSync(at('own'), OTHER, OTHER);
    chownSync(root, 0, 0);
    // The checkout may lie where no other user can read it.
    for (const folder of ['sys', 'vfs']) {
      cpSync(new URL(`../../dist/${folder}`, import.meta.url), at(`dist/${folder}`), { recursive: true });
    }
    cpSync(new URL('../../package.json', import.meta.url), at('dist/package.json'));
    const script = `
      import { examinePath, whyNotOwn } from '${at('dist/sys/trusted-path.js')}';
      const found = examinePath('${at('own')}');
      console.log(found.kind, whyNotOwn('own', found.stats), whyNotOwn('a', examinePath('${at('a')}').stats));`;
    const output = execFileSync(
      'setpriv',
      [
        ...[
          '--reuid',
          `${OTHER}`,
          '--regid',
          `${OTHER}`,
          '--clear-groups',
          'unshare',
          '--user',
          '--map-root-user',
        ],
        ...[process.execPath, '--input-type=module', '-e', script],
      ],
      { encoding: 'utf8', cwd: '/' },
    );
    expect(output).toBe('trusted undefined a belongs to another user (uid 65534)\n');
  });
});

describe('whyNotOwn', () => {
  it.each([0o700, 0o755, 0o600])('takes a directory or file of this user: %o', (mode) => {
    chmodSync(at('a'), mode);
    expect(whyNotOwn('x', statSync(at('a')))).toBeUndefined();
  });

  it.each([0o720, 0o702, 0o1777])('takes none that others may write to, not even a group: %o', (mode) => {
    chmodSync(at('a'), mode);
    expect(whyNotOwn('x', statSync(at('a')))).toBe(`others may write to x (mode 0${mode.toString(8)})`);
  });
});
