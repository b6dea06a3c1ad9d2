// A FUSE connection by its number, fusectl's files (Documentation/filesystems/fuse.rst): the minor number of the device.
import { writeFile } from 'node:fs/promises';
import { InputError } from '../../vfs/input-error.ts';

const CONNECTIONS = '/sys/fs/fuse/connections';

/**
 * Aborts the connection of the file system `device` ("major:minor"), whoever serves it: its user and root may.
 * InputError where that can't be.
 */
export async function abortConnection(device: string): Promise<void> {
  const minor = device.split(':')[1] ?? '';
  const path = `${CONNECTIONS}/${minor}/abort`;
  try {
    await writeFile(path, '1', { flag: 'r+' });
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    throw new InputError(`${path}: can't abort the connection: ${code}`, { cause: error });
  }
}
