// The images on which engines differ (fixtures/README.md): what a mount shows, which engine shows the same, and where
// we show something else than that engine, path by path, with the reason (docs/formats.md, Decisions).
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { S_IFDIR } from '../../src/vfs/attr.ts';
import {
  type Decisions,
  decided,
  recordedDisputes,
  recordedTree,
  snapshotRecord,
  UNTIMED,
  withoutHoles,
} from '../oracle/recorded.ts';
import { type Snapshot, snapshotDirectory } from '../oracle/snapshot.ts';
import { describeWith } from '../requirements.ts';
import { fixture, withMounted, withWorkplace } from './stratafs.ts';

/** 2024-01-01, of all entries of the fixtures. */
const ENTRY_TIME = '1704067200000000000';

interface Dispute {
  /** The engine that we agree with, but for `decisions`. */
  readonly engine: string;
  readonly why: string;
  readonly decisions?: Decisions;
}

/** user::rw- user:54321:rwx group::r-- mask::rwx other::r-- as the kernel stores it. */
const acl = Buffer.from(
  '0200000001000600ffffffff0200070031d4000004000400ffffffff10000700ffffffff20000400ffffffff',
  'hex',
).toString('latin1');

const disputes: Readonly<Record<string, Dispute>> = {
  'through-symlink': {
    engine: 'containerd-overlayfs',
    why: 'an entry beneath a symlink replaces it by a directory, as where each layer is unpacked alone',
  },
  'directory-over-symlink': { engine: 'umoci', why: 'all agree: a directory replaces a symlink' },
  'whiteout-after-entry': { engine: 'umoci', why: 'a whiteout never hides what its own layer has' },
  'whiteout-through-symlink': {
    engine: 'containerd-overlayfs',
    why: 'a whiteout never acts through a symlink; nor does it turn the link into a directory here',
    decisions: {
      lib: { mode: 0o120777, size: 7, target: 'usr/lib', mtime: ENTRY_TIME, nlink: 1 },
    },
  },
  'whiteout-under-file': { engine: 'umoci', why: 'a whiteout beneath a file is void, and the file stays' },
  'whiteout-under-nothing': { engine: 'umoci', why: 'a whiteout makes no parent appear' },
  'opaque-through-symlink': { engine: 'podman', why: 'an opaque marker never acts through a symlink' },
  'opaque-under-nothing': { engine: 'umoci', why: 'an opaque marker makes no parent appear' },
  'aufs-bookkeeping': {
    engine: 'podman',
    why: 'AUFS bookkeeping is never shown, nor the directory of it',
    decisions: { '.wh..wh.plnk': undefined },
  },
  'zero-device': { engine: 'umoci', why: 'a 0:0 device of a tar is a device' },
  'overlay-xattrs': { engine: 'podman', why: "overlayfs's xattrs in an image are data, and shown" },
  'schily-acl': {
    engine: 'umoci',
    why: 'ACLs in text are read, though the engines ignore them',
    decisions: {
      plain: { xattrs: { 'system.posix_acl_access': acl } },
      directory: { xattrs: { 'system.posix_acl_default': acl } },
    },
  },
  'libarchive-xattr': {
    engine: 'umoci',
    why: "bsdtar's own xattrs are read, though the engines ignore them",
    decisions: { plain: { xattrs: { 'user.binary': '\0\xff=\n' } } },
  },
  'empty-xattr': { engine: 'umoci', why: 'an empty xattr value deletes the attribute' },
  'far-future': {
    engine: 'umoci',
    why: 'the time that the archive has, where umoci is clamped by ext4',
    decisions: { plain: { mtime: '100000000000000000000' } },
  },
  'global-pax': {
    engine: 'podman',
    why: "global headers apply to all that follow, though Go's tools ignore them",
    decisions: {
      plain: { gid: 77, mtime: '1000000000500000000' },
      'directory/inner': { gid: 77, mtime: '1000000000500000000' },
    },
  },
  duplicates: { engine: 'umoci', why: 'the last of duplicates wins, and a link keeps what it was made to' },
  'zstd-skippable-first': { engine: 'umoci', why: 'a skippable frame may begin a zstd blob' },
};

function answerOf(tag: string, engine: string): Snapshot {
  const answer = recordedDisputes()
    .get(tag)
    ?.answers.find(({ engines }) => engines.includes(engine));
  if (answer?.tree === undefined) throw new Error(`${engine} shows nothing for ${tag}`);
  return snapshotRecord(answer.tree);
}

/**
 * `shown` with UNTIMED where the oracle has it: on directories without an entry, and on some that the engine touched
 * last. What we show there is an entry's time, or 0 where there is none.
 */
function timedLike(shown: Snapshot, oracle: Snapshot): Snapshot {
  return new Map(
    [...shown].map(([path, entry]) => {
      const isOurOwn = oracle.get(path)?.mtime === UNTIMED && ['0', ENTRY_TIME].includes(entry.mtime);
      return [path, isOurOwn ? { ...entry, mtime: UNTIMED } : entry];
    }),
  );
}

const needs = ['fuse', 'root', { program: 'python3' }] as const;

describeWith(needs, 'a mount of an image on which engines differ', () => {
  const titled = Object.entries(disputes).map(
    ([tag, dispute]) => [tag, dispute.engine, dispute.why, dispute] as const,
  );
  it.each(titled)('%s: shows what %s shows: %s', (tag, engine, _, { decisions = {} }) =>
    withMounted(fixture(`disputed.tar:${tag}`), ({ mountpoint }) => {
      const oracle = decided(answerOf(tag, engine), decisions);
      expect(timedLike(withoutHoles(snapshotDirectory(mountpoint)), oracle)).toEqual(oracle);
    }),
  );

  it("sparse-old-gnu: shows GNU tar's sparse files, which all engines refuse", () =>
    withMounted(fixture('disputed.tar:sparse-old-gnu'), ({ mountpoint }) => {
      // The same files stand in edge-cases in the pax form, which umoci understands. They name the layer they are from.
      const oracle = recordedTree('edge-cases');
      const shown = snapshotDirectory(mountpoint);
      const files = [...shown].filter(([path]) => path.startsWith('sparse-old-gnu/'));
      expect(files).toHaveLength(7);
      for (const [path, { size, sha256 }] of files) {
        const same = oracle.get(path.replace('sparse-old-gnu', 'sparse-1.0'));
        if (!path.endsWith('/not-sparse'))
          expect({ path, size, sha256 }).toMatchObject({ size: same?.size, sha256: same?.sha256 });
      }
    }));

  it('under-file: shows a directory in place of the file that had an entry beneath it, which all engines refuse', () =>
    withMounted(fixture('disputed.tar:under-file'), ({ mountpoint }) => {
      const shown = snapshotDirectory(mountpoint);
      expect(shown.get('new-file')).toMatchObject({ mode: S_IFDIR | 0o755, uid: 0, gid: 0, mtime: '0' });
      expect(readFileSync(`${mountpoint}/new-file/inner`, 'utf8')).toContain('under-file');
    }));

  it.each([
    [
      'odd-paths',
      "the engines resolve '..' inside the root",
      /^stratafs: layer 2 of \S+: at byte 2050: found a '\.\.' component, expected a name that stays below the root\n$/,
    ],
    [
      'link-to-symlink-parent',
      'umoci follows a symlink in the path of a link target; overlayfs refuses too',
      /^stratafs: layer 2 of \S+: linked is a hard link to lib\/a, which is in none of the layers below\n$/,
    ],
  ])('%s: is refused, though %s', (tag, _, message) =>
    withWorkplace(async (place) => {
      const outcome = await place.stratafs(['mount', fixture(`disputed.tar:${tag}`), 'mnt']);
      expect(outcome).toEqual({ status: 1, stdout: '', stderr: expect.stringMatching(message) as string });
      expect(place.mounted()).toEqual([]);
    }),
  );

  it('are all of disputed.tar', () => {
    const elsewhere = ['sparse-old-gnu', 'under-file', 'odd-paths', 'link-to-symlink-parent'];
    expect([...recordedDisputes().keys()].sort()).toEqual([...Object.keys(disputes), ...elsewhere].sort());
  });
});
