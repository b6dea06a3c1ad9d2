// The derived work directory: if another user has put files there, it is refused, and the files stay.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openUpper } from '../../../src/overlay/upper/open-upper.ts';
import { openImpliedWork, openWork } from '../../../src/overlay/upper/open-work.ts';
import { describeWith } from '../../requirements.ts';

const OTHER = 4242;

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'stratafs-work-')));
  mkdirSync(at('U'));
});
afterEach(() => rmSync(root, { recursive: true }));

const at = (name: string): string => join(root, name);

/** Opens U.work and U.work/work as a mount does. Returns the error message. */
function problem(): string | undefined {
  const open = openSync(at('U'), 'r');
  try {
    const base = openImpliedWork(open, at('U.work'));
    try {
      closeSync(openWork(base, at('U.work'), false));
      return undefined;
    } finally {
      closeSync(base);
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    closeSync(open);
  }
}

const HINT = '-o upperdir=U,workdir=W takes another';

describe('a derived work directory', () => {
  it('is created next to the upper with access for this user only', () => {
    expect(problem()).toBeUndefined();
    expect([statSync(at('U.work')).mode & 0o777, statSync(at('U.work/work')).mode & 0o777]).toEqual([
      0o700, 0o700,
    ]);
  });

  it.each(['#1.0', '#3d', '17', 'incompat'])('may hold a name that a mount leaves: %s', (name) => {
    mkdirSync(at(`U.work/work/${name}`), { recursive: true });
    mkdirSync(at('U.work/index'));
    expect(problem()).toBeUndefined();
  });

  it.each([
    ['U.work', 'thesis'],
    ['U.work', '.hidden'],
    ['U.work/work', 'thesis'],
    ['U.work/work', '17.txt'],
    ['U.work/work', 'x#1'],
  ])('is refused if it holds anything else, by name: %s/%s', (place, name) => {
    mkdirSync(at(place), { recursive: true });
    writeFileSync(at(`${place}/${name}`), 'kept');
    expect(problem()).toBe(
      `work directory ${at(place)}: holds ${name}, which no mount has made; move it away, or ${HINT}`,
    );
    expect(readFileSync(at(`${place}/${name}`), 'latin1')).toBe('kept');
  });

  it.each(['U.work', 'U.work/work'])('is refused if it is a symlink: %s', (place) => {
    mkdirSync(at('victim/work'), { recursive: true });
    writeFileSync(at('victim/work/#1'), 'kept');
    if (place !== 'U.work') mkdirSync(at('U.work'));
    symlinkSync(at('victim'), at(place));
    expect(problem()).toBe(`work directory ${at(place)}: found a symlink, expected a directory; ${HINT}`);
    expect(readdirSync(at('victim/work'))).toEqual(['#1']);
    expect(readlinkSync(at(place))).toBe(at('victim'));
  });

  it.each(['U.work', 'U.work/work'])('is refused without waiting if it is a FIFO or a file: %s', (place) => {
    if (place !== 'U.work') mkdirSync(at('U.work'));
    execFileSync('mkfifo', [at(place)]);
    expect(problem()).toBe(`work directory ${at(place)}: found a file, expected a directory; ${HINT}`);
    rmSync(at(place));
    writeFileSync(at(place), '');
    expect(problem()).toBe(`work directory ${at(place)}: found a file, expected a directory; ${HINT}`);
  });

  it('lies next to the directory that was opened, even if its path leads elsewhere by now', () => {
    mkdirSync(at('theirs/U.work/work'), { recursive: true });
    mkdirSync(at('here'));
    renameSync(at('U'), at('here/U'));
    const open = openSync(at('here/U'), 'r');
    renameSync(at('here'), at('moved'));
    symlinkSync('theirs', at('here'));
    closeSync(openImpliedWork(open, at('here/U.work')));
    closeSync(open);
    expect(readdirSync(at('moved')).sort()).toEqual(['U', 'U.work']);
  });
});

describeWith(['root'], 'a work directory of another user', () => {
  it.each(['U.work', 'U.work/work'])('is refused, and stays as it is: %s', (place) => {
    mkdirSync(at('U.work/work'), { recursive: true });
    writeFileSync(at('U.work/work/#1'), '');
    chownSync(at(place), OTHER, OTHER);
    expect(problem()).toBe(`work directory ${at(place)}: belongs to another user (uid ${OTHER}); ${HINT}`);
    expect(readdirSync(at('U.work/work'))).toEqual(['#1']);
  });

  it('is used if the user has named it, unless a third user has put a directory into it', () => {
    mkdirSync(at('W/work'), { recursive: true });
    for (const name of ['W', 'W/work']) chownSync(at(name), OTHER, OTHER);
    const base = openSync(at('W'), 'r');
    closeSync(openWork(base, at('W'), true));
    chownSync(at('W/work'), OTHER + 1, OTHER);
    expect(() => openWork(base, at('W'), true)).toThrow(
      `work directory ${at('W/work')}: belongs to another user (uid ${OTHER + 1})`,
    );
    closeSync(base);
  });
});

describe('openUpper', () => {
  it('refuses a symlink that replaced a directory after its path was resolved', () => {
    mkdirSync(at('victim'));
    rmSync(at('U'), { recursive: true });
    symlinkSync('victim', at('U'));
    mkdirSync(at('W'));
    chmodSync(at('W'), 0o700);
    const identity = Buffer.alloc(16);
    expect(() =>
      openUpper({
        ...{ upper: at('U'), work: at('W'), layers: identity, identity, isForced: false, isVolatile: false },
        ...{ usesMetacopy: true, usesRedirect: true, squashesUsers: false, squashesGroups: false },
        ...{ ownerKeeping: undefined, takesAufsForm: false, usesUserXattrs: true },
      }),
    ).toThrow(/can't be opened: E(LOOP|NOTDIR)/);
    expect(readdirSync(at('W'))).toEqual([]);
  });
});
