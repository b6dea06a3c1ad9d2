// Loop devices (native/addon/loop_calls.cc, loop(4)): a file as a read-only block device.
import { addon } from './addon.ts';

interface LoopCalls {
  attachLoop: (file: number) => [number, number] | number;
}
const calls = addon as LoopCalls;

/** A block device with the content of a file. It is freed once `fd` is closed and nothing else uses it. */
export interface LoopDevice {
  /** Owned by the caller. */
  readonly fd: number;
  readonly path: string;
}

/**
 * Makes a loop device of the open file `fd`, which stays the caller's and may be closed. Its size is that of the file, in whole
 * units of 512 bytes. A negative errno where there is none: -ENOENT without loop devices, -EPERM or -EACCES without the right.
 */
export function attachLoop(fd: number): LoopDevice | number {
  const attached = calls.attachLoop(fd);
  if (typeof attached === 'number') return attached;
  const [device, number] = attached;
  return { fd: device, path: `/dev/loop${number}` };
}
