import { describe, expect, it } from 'vitest';
import {
  type Negotiation,
  type InitOptions,
  negotiate,
  understandAgreement,
} from '../../../src/fuse/wire/negotiate.ts';
import { InitFlag, InitFlag2, OUT_HEADER_SIZE } from '../../../src/fuse/wire/protocol.ts';
import { Reply } from '../../../src/fuse/wire/reply.ts';
import { Request } from '../../../src/fuse/wire/request.ts';
import { EVERY_FLAG, initBody, message } from '../message.ts';

const WRITABLE: InitOptions = {
  ...{ isReadOnly: false, wantsAcls: true, checksPermissions: true },
  ...{ maxStackDepth: 1, writesBack: false },
};

/** The agreement with a kernel that offers `flags` and `flags2`. */
function agree(
  wishes: InitOptions,
  flags = EVERY_FLAG,
  flags2 = EVERY_FLAG,
): { outcome: Negotiation; flags: number; flags2: number; maxStackDepth: number } {
  const bytes = new Uint8Array(4096);
  const body = initBody(7, 45, flags);
  body.writeUInt32LE(flags2, 16);
  const whole = message(26, 1, 0, body);
  bytes.set(whole);
  const request = new Request(bytes);
  request.load(whole.length);
  const reply = new Reply(new Uint8Array(4096));
  const outcome = negotiate(request, reply, wishes);
  const out = Buffer.from(reply.bytes.subarray(OUT_HEADER_SIZE));
  return {
    outcome,
    flags: out.readUInt32LE(12),
    flags2: out.readUInt32LE(32),
    maxStackDepth: out.readUInt32LE(36),
  };
}

describe('negotiate for a writable mount', () => {
  it('sees every open, keeps the umask for the file system, and always has ACLs', () => {
    const { outcome, flags, flags2 } = agree(WRITABLE);
    expect(outcome).toEqual({
      kind: 'agreed',
      agreement: { minor: 45, flags, flags2 },
      opensWithoutMessage: false,
      opensDirectoriesWithoutMessage: true,
      setxattrInSize: 16,
      passesThrough: true,
      resends: true,
    });
    const names = Object.entries(InitFlag).filter(([, bit]) => (flags & bit) !== 0);
    expect(names.map(([name]) => name)).toEqual([
      'ASYNC_READ',
      'ATOMIC_O_TRUNC',
      'BIG_WRITES',
      'DONT_MASK',
      'DO_READDIRPLUS',
      'ASYNC_DIO',
      'PARALLEL_DIROPS',
      'POSIX_ACL',
      'ABORT_ERROR',
      'MAX_PAGES',
      'CACHE_SYMLINKS',
      'NO_OPENDIR_SUPPORT',
      'EXPLICIT_INVAL_DATA',
      'HANDLE_KILLPRIV_V2',
      'SETXATTR_EXT',
      'INIT_EXT',
    ]);
  });

  it('asks for no ACLs and no idmapped mounts if the kernel is to check no permissions', () => {
    const { flags, flags2 } = agree({ ...WRITABLE, wantsAcls: false, checksPermissions: false });
    expect(flags & InitFlag.POSIX_ACL).toBe(0);
    expect(flags2 & InitFlag2.ALLOW_IDMAP).toBe(0);
  });

  it('asks for passthrough with the given depth', () => {
    const { ALLOW_IDMAP, NO_EXPORT_SUPPORT, PASSTHROUGH, HAS_RESEND } = InitFlag2;
    expect(agree(WRITABLE)).toMatchObject({
      flags2: PASSTHROUGH | NO_EXPORT_SUPPORT | ALLOW_IDMAP | HAS_RESEND,
      maxStackDepth: 1,
    });
    expect(agree({ ...WRITABLE, maxStackDepth: 2 })).toMatchObject({ maxStackDepth: 2 });
  });

  it.each([
    ['it may not', { ...WRITABLE, maxStackDepth: 0 }, EVERY_FLAG, EVERY_FLAG],
    ['the mount is read-only', { ...WRITABLE, isReadOnly: true }, EVERY_FLAG, EVERY_FLAG],
    ['the kernel writes back', { ...WRITABLE, writesBack: true }, EVERY_FLAG, EVERY_FLAG],
    ['the kernel has no such flag', WRITABLE, EVERY_FLAG, 0],
    ['the kernel has no second flags', WRITABLE, EVERY_FLAG & ~InitFlag.INIT_EXT, EVERY_FLAG],
  ])('does not where %s', (_title, wishes, flags, flags2) => {
    const agreed = agree(wishes, flags, flags2);
    expect(agreed).toMatchObject({ outcome: { passesThrough: false }, maxStackDepth: 0 });
    expect(agreed.flags2 & InitFlag2.PASSTHROUGH).toBe(0);
  });

  it.each([
    ['a writable mount', WRITABLE],
    ['a read-only mount', { ...WRITABLE, isReadOnly: true }],
  ])('asks for no file handles on %s', (_title, wishes) => {
    const agreed = agree(wishes);
    expect(agreed.flags2 & InitFlag2.NO_EXPORT_SUPPORT).not.toBe(0);
    expect(agreed.flags & InitFlag.INIT_EXT).not.toBe(0);
  });

  it.each([
    ['no bit that it wants', EVERY_FLAG, 0],
    ['no second flags', EVERY_FLAG & ~InitFlag.INIT_EXT, EVERY_FLAG],
  ])('sends no second flags to a kernel that has %s', (_title, flags, flags2) => {
    const agreed = agree(WRITABLE, flags, flags2);
    expect(agreed.flags2).toBe(0);
    expect(agreed.flags & InitFlag.INIT_EXT).toBe(0);
  });

  it('means the same to a later daemon', () => {
    const { outcome } = agree({ ...WRITABLE, isReadOnly: true });
    const agreement = outcome.kind === 'agreed' ? outcome.agreement : expect.fail();
    expect(understandAgreement(JSON.parse(JSON.stringify(agreement)) as typeof agreement)).toEqual(outcome);
  });

  it('does with what an old kernel has', () => {
    expect(agree(WRITABLE, InitFlag.BIG_WRITES, 0)).toMatchObject({
      flags: InitFlag.BIG_WRITES,
      outcome: { setxattrInSize: 8, opensDirectoriesWithoutMessage: false },
    });
  });
});
