// Several mounts in one process: what they share, and what each has alone.
import { mkdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { MessageBuffers } from '../../src/fuse/message-buffers.ts';
import { type Mount, mount } from '../../src/mount/mount.ts';
import { Sharing } from '../../src/mount/sharing.ts';
import { describeWith } from '../requirements.ts';
import { type Workplace, fixture, run, withWorkplace } from './stratafs.ts';

const image = fixture('expressweb.tar');
const README = 'usr/src/app/README.md';

/** Mounts several times in this process, runs `body`, and unmounts what is left. */
function withMounts(
  names: readonly string[],
  body: (place: Workplace, mounts: readonly Mount[], sharing: Sharing) => Promise<void>,
  options: (place: Workplace, name: string) => Parameters<typeof mount>[2] = () => ({}),
): Promise<void> {
  return withWorkplace(async (place) => {
    const sharing = new Sharing(64 << 20);
    const mounts: Mount[] = [];
    try {
      for (const name of names) {
        mkdirSync(place.path(name));
        const own = options(place, name);
        const cacheDirectory = place.path('cache/stratafs');
        mounts.push(await mount(image, place.path(name), { cacheDirectory, ...own }, { sharing }));
      }
      await body(place, mounts, sharing);
    } finally {
      for (const each of mounts) await each.close();
    }
    expect([sharing.layers.size, sharing.trees.size]).toEqual([0, 0]);
  });
}

const sha256 = async (path: string): Promise<string> =>
  (await run('sha256sum', [path])).stdout.split(' ')[0] ?? '';

describeWith(['fuse'], 'mounts of one process', () => {
  it('have one tree and each layer once, and the last one closes them', () =>
    withMounts(['a', 'b', 'c'], async (place, mounts, sharing) => {
      const layers = mounts[0]?.image.layers.length;
      expect([sharing.layers.size, sharing.trees.size]).toEqual([layers, 1]);
      await mounts[0]?.unmount();
      expect([sharing.layers.size, sharing.trees.size]).toEqual([layers, 1]);
      expect(await sha256(place.path(`b/${README}`))).toBe(await sha256(place.path(`c/${README}`)));
      await mounts[1]?.unmount();
      await mounts[2]?.unmount();
    }));

  it('that are written to change nothing for the others', () =>
    withMounts(
      ['plain', 'one', 'two'],
      async (place) => {
        const before = await sha256(place.path(`plain/${README}`));
        await run('sh', ['-c', `echo one >${place.path(`one/${README}`)}`]);
        await run('rm', [place.path('two/usr/src/app/server.js')]);
        const listed = await run(
          'ls',
          ['plain', 'one', 'two'].map((name) => place.path(`${name}/usr/src/app`)),
        );
        expect(listed.stdout.match(/server\.js/g)).toHaveLength(2);
        expect(readFileSync(place.path(`upper-one/${README}`), 'latin1')).toBe('one\n');
        expect(await sha256(place.path(`plain/${README}`))).toBe(before);
        expect(await sha256(place.path(`two/${README}`))).toBe(before);
      },
      (place, name) => {
        if (name === 'plain') return {};
        const directory = place.path(`upper-${name}`);
        mkdirSync(directory);
        return { upper: { directory } };
      },
    ));

  it('with a cache size have a cache of their own', () =>
    withMounts(
      ['a', 'b'],
      async (_place, [first, second], sharing) => {
        expect(first?.statistics().cache.maxBytes).toBe(64 << 20);
        expect(second?.statistics().cache.maxBytes).toBe(1 << 20);
        expect(sharing.trees.size).toBe(1);
        await first?.unmount();
      },
      (_place, name) => (name === 'b' ? { cacheSize: 1 << 20 } : {}),
    ));

  it('go on where another one fails', () =>
    withMounts(['a'], async (place, mounts, sharing) => {
      await expect(mount(image, place.path('missing'), {}, { sharing })).rejects.toThrow('no such directory');
      mkdirSync(place.path('b'));
      await expect(mount(fixture('nothing.tar'), place.path('b'), {}, { sharing })).rejects.toThrow();
      expect(sharing.layers.size).toBe(mounts[0]?.image.layers.length);
      expect((await run('ls', [place.path('a')])).stdout).toContain('usr');
    }));
});

it('the buffers of messages are made once for all mounts', () => {
  const { buffers } = new Sharing(1);
  expect(buffers).toBeInstanceOf(MessageBuffers);
  expect(buffers.request.length).toBe(buffers.reply.length);
});
