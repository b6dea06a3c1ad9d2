// The option fake-root: when it applies, and which options contradict it.
import { isInitialRoot } from '../sys/initial-root.ts';
import { InputError } from '../vfs/input-error.ts';
import type { MountOptions } from './options.ts';

/** `options` without 'fake-root' where root of the machine asks for it. InputError beside options that contradict it. */
export function settleFakeRoot<T extends MountOptions>(options: T): T {
  if (options.ownerKeeping !== 'fake-root') return options;
  if (isInitialRoot()) {
    options.onNotice?.('fake-root has no effect: root may do all of that already');
    return { ...options, ownerKeeping: undefined };
  }
  if (options.allowOther === true) {
    throw new InputError('fake-root: other users would be root in the mount, too: found allow_other with it');
  }
  if (options.owners !== undefined) {
    throw new InputError('fake-root shows the owners of the image: found another mapping of owners with it');
  }
  return options;
}
