// Requests about the nodes of a tree, of every kind that native code knows and of those that it must not touch.
import { constants } from 'node:fs';
import { Opcode } from '../../src/fuse/wire/protocol.ts';
import type { Tree } from '../../src/tree/tree.ts';
import { bytesOf } from '../../src/vfs/names.ts';
import type { Random } from '../tree/random.ts';
import { RESENT, message, numbers } from './message.ts';

const nul = Buffer.alloc(1);
const named = (name: Uint8Array | string): Buffer =>
  Buffer.concat([typeof name === 'string' ? Buffer.from(name, 'latin1') : name, nul]);

const readIn = (offset: number, size: number): Buffer =>
  numbers([8, 0], [8, offset], [4, size], [4, 0], [8, 0], [4, 0], [4, 0]);

/** Names that a lookup in `node` may find or miss. */
function lookupNames(random: Random, tree: Tree, node: number): (Buffer | string)[] {
  const names: (Buffer | string)[] = ['', '.', 'x'.repeat(255), 'x'.repeat(256), 'aaa', '\xff'];
  if (node >= 1 && node <= tree.inodeCount && tree.isDirectory(node - 1)) {
    const first = tree.firstChild(node - 1);
    for (let i = 0; i < tree.childCount(node - 1); i++) names.push(bytesOf(tree.nameOf(first + i)));
  }
  names.push(random.pick(['a', 'b', 'zz', 'user.stratafs.layer']));
  // It makes the writable overlay look at the directory more closely for ever: not too often.
  if (random.oneIn(20)) names.push('..');
  return names;
}

const xattrNames = [
  ...['user.x', 'user.d', 'trusted.overlay.opaque', 'security.selinux', 'security.capability', 'user.'],
  ...['system.posix_acl_access', 'user.stratafs.layer', 'user.stratafs.mount', ''],
];

/** Well-formed requests that change nothing but counts of opens and lookups. */
export function* readingRequests(random: Random, tree: Tree, node: number): Generator<Buffer> {
  let unique = BigInt(2 ** 40 + random.below(1000)) | (random.oneIn(2) ? RESENT : 0n);
  const ask = (opcode: number, body: Buffer = Buffer.alloc(0)): Buffer =>
    message(opcode, ++unique, node, body);
  for (const name of lookupNames(random, tree, node)) yield ask(Opcode.LOOKUP, named(name));
  yield ask(Opcode.GETATTR, numbers([4, 0], [4, 0], [8, 0]));
  yield ask(Opcode.STATX, numbers([4, 0], [4, 0], [8, 0], [4, 0], [4, 0xfff]));
  yield ask(Opcode.READLINK);
  yield ask(Opcode.ACCESS, numbers([4, 4], [4, 0]));
  yield ask(Opcode.OPENDIR, numbers([4, 0], [4, 0]));
  for (const size of [0, 24, 152, 160, 305, 4096, 1 << 17]) {
    const cookie = random.pick([0, 0, 1, 2, 3, 4, 7, 2 ** 31, 2 ** 40]);
    yield ask(Opcode.READDIR, readIn(cookie, size));
    yield ask(Opcode.READDIRPLUS, readIn(cookie, size));
  }
  for (const name of xattrNames) {
    for (const size of [0, 1, 4, 300]) {
      yield ask(Opcode.GETXATTR, Buffer.concat([numbers([4, size], [4, 0]), named(name)]));
    }
  }
  for (const size of [0, 1, 7, 300]) yield ask(Opcode.LISTXATTR, numbers([4, size], [4, 0]));
  yield ask(Opcode.OPEN, numbers([4, constants.O_RDONLY], [4, 0]));
  yield ask(Opcode.OPEN, numbers([4, constants.O_RDONLY | constants.O_DIRECT], [4, 0]));
  for (const [offset, size] of [
    [0, 4096],
    [random.below(10_000), 1 + random.below(5000)],
    [0, 2 ** 31],
    [9_999, 1],
    [2 ** 45, 1],
    [5, 0],
  ] as const) {
    yield ask(Opcode.READ, readIn(offset, size));
  }
  // One more than was opened, too.
  for (let i = 0; i < 3; i++) yield ask(Opcode.RELEASE, numbers([8, 0], [4, 0], [4, 0], [8, 0]));
  yield ask(Opcode.FORGET, numbers([8, 1]));
  const forgotten = [node, 1 + random.below(tree.inodeCount), node];
  yield message(
    Opcode.BATCH_FORGET,
    ++unique,
    0,
    numbers([4, 3], [4, 0], ...forgotten.flatMap((each) => [[8, each] as const, [8, 1] as const])),
  );
}

/** A request that changes something about `node`, or about a name in it. */
export function changingRequest(random: Random, tree: Tree, node: number): Buffer {
  const unique = 7;
  const name = named(random.pick(['a', 'aa', 'b', 'c', 'new']));
  switch (random.below(7)) {
    case 0: {
      const body = Buffer.alloc(88);
      body.writeUInt32LE(1, 0); // FATTR_MODE
      body.writeUInt32LE(0o600, 68);
      return message(Opcode.SETATTR, unique, node, body);
    }
    case 1:
      return message(Opcode.UNLINK, unique, node, name);
    case 2:
      return message(Opcode.RMDIR, unique, node, name);
    case 3:
      return message(Opcode.MKDIR, unique, node, Buffer.concat([numbers([4, 0o755], [4, 0]), name]));
    case 4:
      return message(
        Opcode.LINK,
        unique,
        node,
        Buffer.concat([numbers([8, 1 + random.below(tree.inodeCount)]), named('link')]),
      );
    case 5: {
      const to = numbers([8, 1 + random.below(tree.inodeCount)]);
      return message(Opcode.RENAME, unique, node, Buffer.concat([to, name, named('moved')]));
    }
    default:
      return message(
        Opcode.SETXATTR,
        unique,
        node,
        Buffer.concat([numbers([4, 1], [4, 0], [4, 0], [4, 0]), named('user.x'), Buffer.from('v')]),
      );
  }
}
