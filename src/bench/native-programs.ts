// The native programs of the bench.
import { existsSync } from 'node:fs';
import { nativeFile, packageFile } from '../sys/package-file.ts';
import { InputError } from '../vfs/input-error.ts';

/** native/load. */
export const loadProgram = nativeFile('stratafs-load');
/** native/bare. */
export const bareProgram = nativeFile('stratafs-bare');
/** The command that makes them where they were neither compiled nor prebuilt. */
export const buildCommand = `npm --prefix ${packageFile()} run build:native`;

/** InputError, with the command that makes it, where there is no load generator. */
export function requireLoadProgram(): void {
  if (!existsSync(loadProgram)) throw new InputError(`${loadProgram} is not built; run: ${buildCommand}`);
}
