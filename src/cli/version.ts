// The version of this package.
import { readFileSync } from 'node:fs';
import { packageFile } from '../sys/package-file.ts';

export function readVersion(): string {
  return (JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { version: string }).version;
}
