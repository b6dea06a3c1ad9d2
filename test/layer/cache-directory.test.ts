import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CacheDirectory } from '../../src/layer/cache-directory.ts';
import { type BlobIdentity, IndexStore } from '../../src/layer/index-store.ts';
import { UntrustedError, openSavedFile, saveFile, withSavedFile } from '../../src/layer/saved-file.ts';

let root: string;
let path: string;
let warnings: string[];
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'stratafs-cache-')));
  path = join(root, 'stratafs');
  warnings = [];
});
afterEach(() => rmSync(root, { recursive: true }));

const open = (): CacheDirectory | undefined => CacheDirectory.open(path, (text) => warnings.push(text));

describe('CacheDirectory', () => {
  it('is made when something is first kept in it, for this user alone', () => {
    const cache = open();
    expect(cache?.findFolder('trees')).toBeUndefined();
    expect(cache?.makeFolder('trees')).toBe(join(path, 'trees'));
    expect(open()?.findFolder('trees')).toBe(join(path, 'trees'));
    expect(warnings).toEqual([]);
  });

  it('is not used if others may write to it or above it, with one warning', () => {
    mkdirSync(path);
    chmodSync(path, 0o770);
    expect(open()).toBeUndefined();
    chmodSync(path, 0o700);
    chmodSync(root, 0o777);
    expect(open()).toBeUndefined();
    expect(warnings).toEqual([
      `the cache directory ${path} is not used: others may write to ${path} (mode 0770); XDG_CACHE_HOME names another`,
      `the cache directory ${path} is not used: others may write to ${root} (mode 0777); XDG_CACHE_HOME names another`,
    ]);
  });

  it('is not used if it lies beneath a file, and silently so if it cannot be reached', () => {
    writeFileSync(join(root, 'file'), '');
    expect(CacheDirectory.open(join(root, 'file/stratafs'), (text) => warnings.push(text))).toBeUndefined();
    expect(warnings).toHaveLength(1);
    expect(CacheDirectory.open(join(root, 'x'.repeat(300)), (text) => warnings.push(text))).toBeUndefined();
    expect(warnings).toHaveLength(1);
  });

  it('may be a symlink of this user, and so may a folder in it', () => {
    mkdirSync(join(root, 'large/plain'), { recursive: true });
    symlinkSync('large', path);
    expect(open()?.findFolder('plain')).toBe(join(root, 'large/plain'));
    renameSync(join(root, 'large/plain'), join(root, 'elsewhere'));
    symlinkSync('../elsewhere', join(root, 'large/plain'));
    expect(open()?.findFolder('plain')).toBe(join(root, 'elsewhere'));
  });

  it('makes nothing beyond a symlink that somebody else may have put in its place', () => {
    mkdirSync(join(root, 'shared'), { mode: 0o700 });
    chmodSync(join(root, 'shared'), 0o777);
    mkdirSync(join(root, 'victim'));
    symlinkSync(join(root, 'victim'), join(root, 'shared/stratafs'));
    expect(CacheDirectory.open(join(root, 'shared/stratafs'), (text) => warnings.push(text))).toBeUndefined();
    expect(warnings).toHaveLength(1);
  });
});

describe('a file of the cache directory', () => {
  const never = (): Promise<undefined> => expect.fail('it was used');
  const name = (): string => join(root, 'file');

  async function refuses(reason: string): Promise<void> {
    expect(() => openSavedFile(name())).toThrow(new UntrustedError(reason));
    await expect(withSavedFile(name(), never)).rejects.toThrow(new UntrustedError(reason));
    // And it is replaced, whatever it is.
    await saveFile(name(), [Buffer.from('ours')]);
    expect(readFileSync(name(), 'latin1')).toBe('ours');
  }

  it('is not used if it is a FIFO, and opening it does not wait', () => {
    execFileSync('mkfifo', [name()]);
    return refuses(`${name()} is not a regular file`);
  });

  it('is not used if it is a socket', () => {
    execFileSync('python3', [
      '-c',
      'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])',
      name(),
    ]);
    return refuses(`${name()} is not a regular file`);
  });

  it('is not used if it is a symlink, whose target stays as it is', async () => {
    writeFileSync(join(root, 'target'), 'theirs', { mode: 0o600 });
    symlinkSync('target', name());
    lutimesSync(name(), 1, 1);
    await refuses(`${name()} is not a regular file`);
    expect(readFileSync(join(root, 'target'), 'latin1')).toBe('theirs');
  });

  it.each([0o620, 0o602, 0o666])('is not used if others may write to it: %o', (mode) => {
    writeFileSync(name(), 'theirs');
    chmodSync(name(), mode);
    return refuses(`others may write to ${name()} (mode 0${mode.toString(8)})`);
  });
});

describe('IndexStore on a cache directory with something foreign in it', () => {
  const identity: BlobIdentity = {
    ...{ device: 1n, inode: 2n, fileSize: 3n, mtimeNs: 4n, ctimeNs: 5n },
    ...{ offset: 0, length: 7 },
  };
  const sha256 = 'a'.repeat(64);

  function stamped(): { store: IndexStore; stamp: string } {
    const store = new IndexStore(open() ?? expect.fail('no cache directory'));
    store.setVerifiedDigest(identity, sha256);
    const folder = join(path, 'verified');
    const [stamp = ''] = execFileSync('ls', [folder], { encoding: 'utf8' }).split('\n');
    return { store, stamp: join(folder, stamp) };
  }

  it('believes no stamp that others may write to or that is longer, warns once, and makes it again', () => {
    const { store, stamp } = stamped();
    expect(store.verifiedDigest(identity)).toBe(sha256);
    writeFileSync(stamp, `${sha256}\n`);
    expect(store.verifiedDigest(identity)).toBeUndefined();
    expect(warnings).toEqual([]);
    chmodSync(stamp, 0o666);
    expect([store.verifiedDigest(identity), store.verifiedDigest(identity)]).toEqual([undefined, undefined]);
    expect(warnings).toEqual([`part of the cache is not used: others may write to ${stamp} (mode 0666)`]);
    store.setVerifiedDigest(identity, sha256);
    expect(store.verifiedDigest(identity)).toBe(sha256);
  });

  it('uses no folder that others may write to, and writes nothing into it', () => {
    const { stamp } = stamped();
    chmodSync(dirname(stamp), 0o777);
    const store = new IndexStore(open() ?? expect.fail('no cache directory'));
    expect(store.verifiedDigest(identity)).toBeUndefined();
    rmSync(stamp);
    store.setVerifiedDigest(identity, sha256);
    expect(execFileSync('ls', [dirname(stamp)], { encoding: 'utf8' })).toBe('');
    expect(warnings).toHaveLength(1);
  });
});
