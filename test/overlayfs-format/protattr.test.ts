// overlay.protattr, as ovl_set_protattr (fs/overlayfs/util.c) writes and ovl_check_protattr reads it.
import { expect, it } from 'vitest';
import { decodeProtattr, encodeProtattr } from '../../src/overlayfs-format/protattr.ts';
import { FS_APPEND_FL, FS_IMMUTABLE_FL } from '../../src/vfs/inode-flags.ts';

it.each([
  ['', 0],
  ['a', FS_APPEND_FL],
  ['i', FS_IMMUTABLE_FL],
  ['ai', FS_APPEND_FL | FS_IMMUTABLE_FL],
])('overlay.protattr "%s" is 0x%s', (value, flags) => {
  expect(decodeProtattr(Buffer.from(value))).toBe(flags);
  expect(encodeProtattr(flags).toString()).toBe(value);
});

it('ignores what follows an unknown letter', () => {
  expect(decodeProtattr(Buffer.from('axi'))).toBe(FS_APPEND_FL);
});
