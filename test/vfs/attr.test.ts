import { expect, it } from 'vitest';
import { makeRdev, rdevMajor, rdevMinor } from '../../src/vfs/attr.ts';

it('makeRdev keeps a 12-bit major and a 20-bit minor number', () => {
  // The st_rdev of /dev/sda1, of /dev/null, and the largest number that fits the 32 bits of the kernel.
  expect([makeRdev(8, 1), makeRdev(1, 3), makeRdev(0xfff, 0xfffff)]).toEqual([0x801, 0x103, 0xffffffff]);
  for (const major of [0, 1, 8, 255, 256, 0xfff]) {
    for (const minor of [0, 3, 255, 256, 0x12345, 0xfffff]) {
      const rdev = makeRdev(major, minor);
      expect([rdevMajor(rdev), rdevMinor(rdev)]).toEqual([major, minor]);
    }
  }
});
