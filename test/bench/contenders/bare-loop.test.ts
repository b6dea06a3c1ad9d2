// The bare loop: compares its answers over a socket, instead of /dev/fuse, with those of the session's handlers; and its
// mount with a stratafs mount.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bareLoop } from '../../../src/bench/contenders/bare-loop.ts';
import { ImageStack } from '../../../src/bench/image-stack.ts';
import { bareProgram } from '../../../src/bench/native-programs.ts';
import { Processes } from '../../../src/bench/processes.ts';
import { Scratch } from '../../../src/bench/scratch.ts';
import { Opcode } from '../../../src/fuse/wire/protocol.ts';
import { inspectImage } from '../../../src/inspect/inspect.ts';
import { Overlay } from '../../../src/overlay/read/overlay.ts';
import { buildTree } from '../../../src/tree/merge.ts';
import type { Tree } from '../../../src/tree/tree.ts';
import { ENODATA, ENOSYS, EOPNOTSUPP } from '../../../src/vfs/errno.ts';
import { BothPaths } from '../../fuse/both-paths.ts';
import { EVERY_FLAG, TestSession, errorOf, initBody, message, numbers } from '../../fuse/message.ts';
import { readingRequests } from '../../fuse/table-requests.ts';
import { fixture, run, withMounted } from '../../mount/stratafs.ts';
import { MemoryReader } from '../../overlay/memory-reader.ts';
import { describeWith } from '../../requirements.ts';
import { makeLayer } from '../../tree/layer-maker.ts';
import { Random } from '../../tree/random.ts';
import { randomStack } from '../../tree/random-layers.ts';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'stratafs-bare-'))));
afterEach(() => rmSync(directory, { recursive: true }));

/** The program, with a socket instead of /dev/fuse. */
class Served {
  readonly child: ChildProcess;
  readonly #connection: Socket;

  constructor(tree: Tree, unsupportedXattr = 'security.selinux') {
    const table = join(directory, 'table');
    writeFileSync(table, new Uint8Array(tree.buffer));
    this.child = spawn(bareProgram, [table, '/dev/fd/3', unsupportedXattr], {
      stdio: ['ignore', 'inherit', 'pipe', 'pipe'],
    });
    this.#connection = this.child.stdio[3] as Socket;
  }

  /** Sends one request at a time: unlike the device, a socket doesn't separate messages. */
  async ask(request: Uint8Array): Promise<Buffer> {
    this.#connection.write(request);
    let reply = Buffer.alloc(0);
    while (reply.length < 4 || reply.length < reply.readUInt32LE(0)) {
      const [bytes] = (await once(this.#connection, 'data')) as [Buffer];
      reply = Buffer.concat([reply, bytes]);
    }
    return reply;
  }

  /** Closes the connection after a last request that has no answer, and returns the program's exit status. */
  async end(last?: Uint8Array): Promise<number | null> {
    this.#connection.on('data', (bytes: Buffer) => {
      throw new Error(`is answered ${bytes.toString('hex')}`);
    });
    // EPIPE: the program has already ended.
    if (last !== undefined) this.#connection.write(last);
    this.#connection.end();
    const [status] = (await once(this.child, 'close')) as [number | null];
    return status;
  }
}

const current = message(Opcode.INIT, 1, 0, initBody(7, 45, EVERY_FLAG));

describe('the bare loop', () => {
  it.each([
    ['a current kernel', 7, 45, EVERY_FLAG],
    ['one that offers less', 7, 31, 0x0002_0001],
  ] as const)(
    'agrees with %s on what a read-only mount of root agrees on',
    async (_, major, minor, flags) => {
      const tree = buildTree([]);
      const request = message(Opcode.INIT, 1, 0, initBody(major, minor, flags));
      const test = new TestSession(new Overlay({ tree, readers: [] }), { cachesMissingAcls: true });
      const served = new Served(tree);
      expect(await served.ask(request)).toEqual(test.ask(request));
      expect(await served.end()).toBe(0);
    },
  );

  it('offers its own version to a newer kernel, and rejects one that is too old', async () => {
    const served = new Served(buildTree([]));
    const again = await served.ask(message(Opcode.INIT, 1, 0, initBody(8, 0, EVERY_FLAG)));
    expect([errorOf(again), again.readUInt32LE(16), again.readUInt32LE(20)]).toEqual([0, 7, 45]);
    const refused = await served.ask(message(Opcode.INIT, 2, 0, initBody(7, 30, EVERY_FLAG)));
    expect(errorOf(refused)).toBe(-22);
    expect(await served.end()).toBe(1);
  });

  it.each([1, 2, 3, 4])(
    'answers names, attributes, listings and xattrs byte for byte as the handlers do (random tree %i)',
    async (seed) => {
      const random = new Random(seed);
      const { roots } = randomStack(random);
      const tree = buildTree(roots.map((root) => makeLayer(root)));
      const readers = roots.map(() => new MemoryReader(Buffer.alloc(0)));
      const paths = new BothPaths(new Overlay({ tree, readers }));
      const served = new Served(tree, tree.mentionsXattr('security.selinux') ? '' : 'security.selinux');
      await served.ask(current);
      let compared = 0;
      for (let node = 1; node <= tree.inodeCount; node++) {
        for (const request of readingRequests(random, tree, node)) {
          const replies = paths.test.replies.length;
          const isNative = paths.ask(request);
          // The test has no layers to read, and FORGET has no answer.
          const isAnswered = paths.test.replies.length > replies;
          if (!isNative || !isAnswered || request.readUInt32LE(4) === Opcode.READ) continue;
          expect(await served.ask(request), request.toString('hex')).toEqual(paths.test.replies.at(-1));
          compared++;
        }
      }
      expect(compared).toBeGreaterThan(20);
      expect(await served.end()).toBe(0);
    },
  );

  it('answers requests other than metadata with ENOSYS or an empty answer', async () => {
    const served = new Served(buildTree([]));
    await served.ask(current);
    const nothing = Buffer.alloc(64);
    for (const opcode of [Opcode.OPEN, Opcode.OPENDIR, Opcode.CREATE, Opcode.WRITE, Opcode.LSEEK, 4000]) {
      expect(errorOf(await served.ask(message(opcode, 2, 1, nothing))), String(opcode)).toBe(-ENOSYS);
    }
    const statfs = await served.ask(message(Opcode.STATFS, 3, 1));
    expect(statfs.subarray(16)).toEqual(Buffer.alloc(80));
    const getxattr = (name: string): Buffer =>
      message(Opcode.GETXATTR, 4, 1, Buffer.concat([numbers([4, 9], [4, 0]), Buffer.from(`${name}\0`)]));
    expect(errorOf(await served.ask(getxattr('user.stratafs.layer')))).toBe(-ENODATA);
    expect(errorOf(await served.ask(getxattr('security.selinux')))).toBe(-EOPNOTSUPP);
    expect(await served.end(message(Opcode.INTERRUPT, 5, 0, numbers([8, 4])))).toBe(0);
  });

  it.each([
    [[], 2, /^usage: stratafs-bare TABLE PLACE /],
    [['table', 'mnt'], 2, /^usage: /],
    [['/nowhere/table', 'mnt', 'none'], 1, /^open \/nowhere\/table: No such file or directory\n$/],
    [['/proc/self/exe', 'mnt', 'none'], 1, /^\/proc\/self\/exe: found no table of a tree\n$/],
  ] as const)('refuses %j with status %i', async (args, status, line) => {
    const outcome = await run(bareProgram, args);
    expect(outcome.status).toBe(status);
    expect(outcome.stderr).toMatch(line);
  });
});

describeWith(['fuse', 'root', { program: 'find' }], 'the contender bare-loop', () => {
  it('shows the same metadata as stratafs, and leaves no mount', () =>
    withMounted(fixture('expressweb.tar'), async (place) => {
      const source = fixture('expressweb.tar');
      const inspection = await inspectImage(source, { cacheDirectory: place.path('cache/stratafs') });
      const scratch = await Scratch.create(directory);
      try {
        const processes = new Processes(new AbortController().signal);
        const workshop = { processes, scratch, stratafs: [], cacheDirectory: '' };
        expect(await bareLoop.lack(workshop)).toBeUndefined();
        const stack = new ImageStack(inspection, {
          ...{ source, label: source, platform: undefined, processes, scratch },
        });
        const prepared = await bareLoop.prepare(workshop, stack);
        const mounted = await prepared.mount(await scratch.fresh('mnt'));
        try {
          const list = async (root: string): Promise<string[]> => {
            const format = '%P %y %m %n %U %G %s %b %T@ %l %i\\n';
            const { status, stdout, stderr } = await run('find', [root, '-printf', format]);
            expect([status, stderr]).toEqual([0, '']);
            return stdout.split('\n').sort();
          };
          const shown = await list(mounted.directory);
          expect(shown).toEqual(await list(place.mountpoint));
          expect(shown.length).toBeGreaterThan(50);
          expect(statfsSync(mounted.directory).blocks).toBe(0);
          const read = await run('cat', [join(mounted.directory, 'etc/passwd')]);
          expect([read.status, read.stdout]).toEqual([1, '']);
        } finally {
          await mounted.unmount();
        }
      } finally {
        inspection.close();
        await scratch.remove();
      }
      expect(readdirSync(directory)).toEqual([]);
    }));
});
