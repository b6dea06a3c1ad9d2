// Paths of the bench's native programs.
import { existsSync } from 'node:fs';
import { nativeFile, packageFile } from '../sys/package-file.ts';
import { InputError } from '../vfs/input-error.ts';

/** native/load. */
export const loadProgram = nativeFile('stratafs-load');
/** native/bare. */
export const bareProgram = nativeFile('stratafs-bare');
/** The command that compiles them, for messages: they may be neither compiled nor prebuilt. */
export const buildCommand = `npm --prefix ${packageFile()} run build:native`;

/** Throws InputError, with the command that compiles it, if the load generator does not exist. */
export function requireLoadProgram(): void {
  if (!existsSync(loadProgram)) throw new InputError(`${loadProgram} is not built; run: ${buildCommand}`);
}
