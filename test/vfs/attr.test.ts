import { expect, it } from 'vitest';
import { makeRdev, rdevMajor, rdevMinor } from '../../src/vfs/attr.ts';

it('a device number gives back the major of 12 bits and the minor of 20 that it was made of', () => {
  // As stat(2) tells of /dev/sda1, /dev/null and the last of all in the kernel's 32 bits.
  expect([makeRdev(8, 1), makeRdev(1, 3), makeRdev(0xfff, 0xfffff)]).toEqual([0x801, 0x103, 0xffffffff]);
  for (const major of [0, 1, 8, 255, 256, 0xfff]) {
    for (const minor of [0, 3, 255, 256, 0x12345, 0xfffff]) {
      const rdev = makeRdev(major, minor);
      expect([rdevMajor(rdev), rdevMinor(rdev)]).toEqual([major, minor]);
    }
  }
});
