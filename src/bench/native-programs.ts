// The bench's native programs, where the addon's build puts them.
import { packageFile } from '../sys/package-file.ts';

/** native/load. */
export const loadProgram = packageFile('build/Release/stratafs-load');
/** native/bare. */
export const bareProgram = packageFile('build/Release/stratafs-bare');
