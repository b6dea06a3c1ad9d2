// The driver that lets the kernel serve a mount from an EROFS image, in tests.
import { existsSync, readdirSync } from 'node:fs';
import type { Requirement } from '../requirements.ts';

export const EROFS: readonly string[] = ['-o', 'driver=erofs'];
export const needs: readonly Requirement[] = ['root', { filesystem: 'erofs' }];

/** The directory of records. */
export const RECORDS = '/run/stratafs/mounts';

/** The records of mounts that the kernel serves, which other tests may be making too. */
export function records(): string[] {
  return existsSync(RECORDS) ? readdirSync(RECORDS) : [];
}

/** The name of the record of the file system with this st_dev ("major:minor"). */
export const recordOf = (device: string): string => `${device.replace(':', '-')}.json`;
